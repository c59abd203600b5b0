import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { BlobServiceClient, ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob"
import { afterEach, expect, test, vi } from "vitest"
import { openContainer } from "../src/client.js"
import { AzureBackend, type AzureStoreOptions, CheckpointError, openAzureStore } from "../src/index.js"

const url = "https://account.blob.core.windows.net"
const credential = new StorageSharedKeyCredential("account", Buffer.alloc(64).toString("base64"))
const connectionString = `DefaultEndpointsProtocol=https;AccountName=account;AccountKey=${credential.accountName};`
const client = new ContainerClient(`${url}/jobs`)

afterEach(() => vi.unstubAllEnvs())

const refused: [string, AzureStoreOptions, RegExp][] = [
  ["no container", { connectionString }, /container is missing; pass the name/],
  ["an empty container", { container: "", connectionString }, /container is missing/],
  ["a container with a folder", { container: "jobs/a", connectionString }, /folders in prefix/],
  ["a container that is a URL", { container: `${url}/jobs`, connectionString }, /pass its name alone/],
  ["a container with capitals", { container: "Jobs", connectionString }, /3 to 63 lower-case/],
  ["a container that is too short", { container: "ab", connectionString }, /3 to 63 lower-case/],
  ["no account", { container: "jobs" }, /pass connectionString, accountUrl or client, or set AZURE_STORAGE/],
  [
    "two accounts",
    { container: "jobs", connectionString, accountUrl: url },
    /connectionString and accountUrl are given/,
  ],
  ["a client and an account", { client, connectionString }, /client and connectionString are given; give one/],
  ["a credential alone", { container: "jobs", credential }, /credential needs accountUrl/],
  ["a client for another container", { container: "other", client }, /container is other, but client is for jobs/],
  ["a service's client alone", { client: new BlobServiceClient(url) }, /container is missing/],
  [
    "something that is no client",
    { container: "jobs", client: {} as ContainerClient },
    /neither a ContainerClient nor/,
  ],
  ["a connection string that is none", { container: "jobs", connectionString: "secret" }, /connectionString cannot be/],
  ["an address that is none", { container: "jobs", accountUrl: "account" }, /accountUrl is no URL; pass https/],
  [
    "an address with a container",
    { container: "jobs", accountUrl: `${url}/jobs`, credential },
    /names \/jobs; pass the/,
  ],
  [
    "a token without TLS",
    { container: "jobs", accountUrl: "http://h", credential: token() },
    /token credential needs https/,
  ],
  ["a prefix that Azure would change", { client, prefix: "team./a" }, /a segment of prefix team.\/a ends with a dot/],
  ["a prefix that climbs", { client, prefix: "../x" }, /prefix/],
]

function token() {
  return { getToken: async () => ({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }) }
}

test.each(refused)("%s is refused", async (_, options, message) => {
  vi.stubEnv("AZURE_STORAGE_CONNECTION_STRING", "")
  const error = await openAzureStore(options).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(CheckpointError)
  expect((error as CheckpointError).code).toBe("CKPT_INVALID")
  expect((error as CheckpointError).message).toMatch(message)
})

test("a connection string that cannot be read does not appear in the message", async () => {
  vi.stubEnv("AZURE_STORAGE_CONNECTION_STRING", "AccountKey=secret")
  const error = (await openAzureStore({ container: "jobs" }).catch((error: unknown) => error)) as CheckpointError
  expect(error.message).toMatch(/AZURE_STORAGE_CONNECTION_STRING cannot be read/)
  expect(`${error.message} ${error.cause}`).not.toContain("secret")
})

test("azurite's short connection string is one", async () => {
  const store = await openAzureStore({ container: "jobs", connectionString: "UseDevelopmentStorage=true" })
  await store.close()
})

test("a token credential is asked once for a batch, and once for the request that carries it", async () => {
  const asked = { ...token(), getToken: vi.fn(token().getToken) }
  const opened = await openContainer({ container: "jobs", accountUrl: "https://127.0.0.1:1", credential: asked })
  const backend = new AzureBackend(opened.container, { dispose: opened.dispose })
  const keys = Array.from({ length: 256 }, (_, index) => `k-${index}`)
  await expect(backend.delete(keys)).rejects.toMatchObject({ kind: "transient" })
  expect(asked.getToken).toHaveBeenCalledTimes(2)
  await backend[Symbol.asyncDispose]()
})

test.each([
  [
    "DefaultAzureCredential of an installed @azure/identity is taken",
    true,
    /^CKPT_DENIED .*asked for https:\/\/storage\.azure\.com\/\.default/,
  ],
  ["and without @azure/identity, the store says to install it", false, /^CKPT_INVALID .*npm install @azure\/identity/],
])("without a credential, %s", async (_, installed, expected) => {
  // The built package in an application's folder, beside a stand-in for @azure/identity.
  const packageFolder = fileURLToPath(new URL("..", import.meta.url))
  const folder = await mkdtemp(join(tmpdir(), "ckpt-identity-"))
  const modules = join(folder, "node_modules")
  try {
    await mkdir(join(modules, "@ckpt/azure"), { recursive: true })
    await mkdir(join(modules, "@azure/identity"), { recursive: true })
    await cp(join(packageFolder, "dist"), join(modules, "@ckpt/azure/dist"), { recursive: true })
    await cp(join(packageFolder, "package.json"), join(modules, "@ckpt/azure/package.json"))
    await symlink(await realpath(join(packageFolder, "node_modules/@ckpt/core")), join(modules, "@ckpt/core"))
    const sdk = await realpath(join(packageFolder, "node_modules/@azure/storage-blob"))
    await symlink(sdk, join(modules, "@azure/storage-blob"))
    if (installed) {
      await writeFile(join(modules, "@azure/identity/package.json"), `{ "type": "module", "exports": "./index.js" }`)
      await writeFile(join(modules, "@azure/identity/index.js"), stub)
    }
    await writeFile(join(folder, "program.mjs"), program)
    const { stdout } = await promisify(execFile)(process.execPath, ["program.mjs"], { cwd: folder })
    expect(stdout).toMatch(expected)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

const stub = `export class DefaultAzureCredential {
  getToken(scopes) {
    throw Object.assign(new Error("asked for " + scopes), { name: "CredentialUnavailableError" })
  }
}`
const program = `import { openAzureStore } from "@ckpt/azure"
try {
  const store = await openAzureStore({ container: "jobs", accountUrl: "https://127.0.0.1:1" })
  await store.ids()
} catch (error) {
  console.log(error.code, error.message)
}
`

test("options are typed", () => {
  const good: AzureStoreOptions[] = [
    { client },
    { container: "jobs", accountUrl: url, credential: token(), retain: { last: 3 } },
  ]
  // @ts-expect-error: a bucket is not what Azure calls it
  const bucket: AzureStoreOptions = { bucket: "jobs" }
  // @ts-expect-error: an account key alone is no credential
  const key: AzureStoreOptions = { container: "jobs", accountUrl: url, credential: "key" }
  expect([...good, bucket, key]).toHaveLength(4)
})

test("what the credential cannot give is told as denied", async () => {
  const failing = {
    getToken: () => Promise.reject(Object.assign(new Error("no login found"), { name: "CredentialUnavailableError" })),
  }
  const store = await openAzureStore({ container: "jobs", accountUrl: url, credential: failing })
  const error = (await store.ids().catch((error: unknown) => error)) as CheckpointError
  expect(error.code).toBe("CKPT_DENIED")
  expect(error.retryable).toBe(false)
  expect(error.message).toMatch(/no login found/)
  await store.close()
})
