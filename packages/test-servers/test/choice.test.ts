import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { type Host, thisHost } from "../src/host.js"
import { findChromium, startAzureServer, startS3Server } from "../src/index.js"

const able: Host = { platform: "linux", uid: 0, has: () => true, canIsolate: async () => true }
const unable: [string, Partial<Host>, RegExp][] = [
  ["is not Linux", { platform: "darwin" }, /Linux only, and this is darwin/],
  ["has no root", { uid: 1000 }, /only root/],
  ["has no user ids", { uid: undefined }, /only root/],
  ["has no apt", { has: (command) => command !== "apt-get" }, /apt-get, which is not here/],
  ["may not make namespaces", { canIsolate: async () => false }, /namespaces/],
]

let printed: string[]

beforeEach(() => {
  printed = []
  vi.stubEnv("CKPT_TEST_S3_ENDPOINT", undefined)
  vi.stubEnv("CKPT_TEST_AZURE_CONNECTION_STRING", undefined)
  vi.stubEnv("CKPT_TEST_CHROMIUM", undefined)
  vi.stubEnv("CI", undefined)
  // Nothing is installed there.
  vi.stubEnv("XDG_CACHE_HOME", "/nowhere")
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    printed.push(String(text))
    return true
  })
})

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

test.each(unable)("a machine that %s is told once what is left out, and how to run it", async (_, lack, reason) => {
  expect(await startS3Server({ ...able, ...lack })).toBeUndefined()
  expect(await startS3Server({ ...able, ...lack })).toBeUndefined()
  expect(printed.length).toBeLessThanOrEqual(1)
  vi.stubEnv("CI", "true")
  await expect(startS3Server({ ...able, ...lack })).rejects.toThrow(reason)
  await expect(startS3Server({ ...able, ...lack })).rejects.toThrow(/CKPT_TEST_S3_ENDPOINT/)
})

test("what is left out is printed", async () => {
  await startS3Server({ ...able, platform: "plan9" })
  expect(printed.join("")).toMatch(/S3 server .*left out: .*plan9.* Set CKPT_TEST_S3_ENDPOINT.*\n$/)
})

test("the environment names another S3 server, on any machine", async () => {
  vi.stubEnv("CKPT_TEST_S3_ENDPOINT", "http://127.0.0.1:9")
  await expect(startS3Server()).rejects.toThrow(/CKPT_TEST_S3_ACCESS_KEY_ID/)
  vi.stubEnv("CKPT_TEST_S3_ACCESS_KEY_ID", "id")
  vi.stubEnv("CKPT_TEST_S3_SECRET_ACCESS_KEY", "secret")
  const server = await startS3Server({ ...able, platform: "win32", uid: undefined })
  const given = { endpoint: "http://127.0.0.1:9", accessKeyId: "id", secretAccessKey: "secret" }
  expect(server).toMatchObject({ ...given, region: "us-east-1" })
  await server?.stop()
  vi.stubEnv("CKPT_TEST_S3_REGION", "eu-west-3")
  expect(await startS3Server()).toMatchObject({ ...given, region: "eu-west-3" })
})

test("the environment names another storage account", async () => {
  vi.stubEnv("CKPT_TEST_AZURE_CONNECTION_STRING", "AccountName=me;AccountKey=a2V5==;EndpointSuffix=example.net")
  expect(await startAzureServer()).toMatchObject({
    blobEndpoint: "https://me.blob.example.net",
    accountName: "me",
    accountKey: "a2V5==",
  })
  const own = "DefaultEndpointsProtocol=http;AccountName=me;AccountKey=a2V5==;BlobEndpoint=http://127.0.0.1:9/me/;"
  vi.stubEnv("CKPT_TEST_AZURE_CONNECTION_STRING", own)
  const server = await startAzureServer()
  expect(server).toMatchObject({ connectionString: own, blobEndpoint: "http://127.0.0.1:9/me" })
  await server?.stop()
  vi.stubEnv("CKPT_TEST_AZURE_CONNECTION_STRING", "BlobEndpoint=https://me.example.net;SharedAccessSignature=sv")
  await expect(startAzureServer()).rejects.toThrow(/AccountKey/)
})

test("the commands of this machine are found", () => {
  expect(thisHost.has("sh")).toBe(true)
  expect(thisHost.has("no-such-command")).toBe(false)
})

test.each(unable.filter(([, lack]) => !("canIsolate" in lack)))(
  "a machine without a browser that %s is told what is left out",
  async (_, lack, reason) => {
    expect(await findChromium({ ...able, ...lack }, "/nowhere/chromium")).toBeUndefined()
    vi.stubEnv("CI", "true")
    await expect(findChromium({ ...able, ...lack }, "/nowhere/chromium")).rejects.toThrow(reason)
    await expect(findChromium({ ...able, ...lack }, "/nowhere/chromium")).rejects.toThrow(/CKPT_TEST_CHROMIUM/)
  },
)

test("the environment names another browser, on any machine; one that is there is taken as it is", async () => {
  expect(await findChromium({ ...able, platform: "win32" }, process.execPath)).toBe(process.execPath)
  vi.stubEnv("CKPT_TEST_CHROMIUM", "/opt/chrome")
  expect(await findChromium({ ...able, platform: "win32" })).toBe("/opt/chrome")
})
