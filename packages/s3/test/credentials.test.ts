import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createManifest } from "@ckpt/core"
import { afterEach, describe, expect, test, vi } from "vitest"
import { openS3Store } from "../src/index.js"
import { hasServer, newBucket, serverOptions } from "./storage.js"

const { endpoint, region, credentials } = serverOptions()
const folders: string[] = []

/** An environment in which the SDK finds nothing of this machine. */
function clearEnvironment(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) vi.stubEnv(name, undefined)
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true")
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
  vi.stubEnv("AWS_CONFIG_FILE", "/nowhere/config")
}

async function fileOf(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ckpt-aws-"))
  folders.push(folder)
  const file = join(folder, "file")
  await writeFile(file, text)
  return file
}

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

const environments: Record<string, () => Promise<void>> = {
  "variables of the environment": async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", credentials.accessKeyId)
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey)
    vi.stubEnv("AWS_REGION", region)
    vi.stubEnv("AWS_ENDPOINT_URL_S3", endpoint)
  },
  "a profile in the shared files": async () => {
    const keys = `aws_access_key_id = ${credentials.accessKeyId}\naws_secret_access_key = ${credentials.secretAccessKey}\n`
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", await fileOf(`[jobs]\n${keys}`))
    vi.stubEnv("AWS_CONFIG_FILE", await fileOf(`[profile jobs]\nregion = ${region}\nendpoint_url = ${endpoint}\n`))
    vi.stubEnv("AWS_PROFILE", "jobs")
  },
  "a program that a profile names": async () => {
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = credentials
    const answer = await fileOf(JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey }))
    vi.stubEnv("AWS_CONFIG_FILE", await fileOf(`[default]\nregion = ${region}\ncredential_process = cat ${answer}\n`))
    vi.stubEnv("AWS_ENDPOINT_URL", endpoint)
  },
}

// Left out only if no server can run; with CI=true the start of the server fails instead.
describe.skipIf(!hasServer)("the credentials that the SDK finds are enough", () => {
  test.each(Object.keys(environments))("%s", async (name) => {
    const bucket = await newBucket()
    clearEnvironment()
    await environments[name]?.()
    const store = await openS3Store({ bucket, forcePathStyle: true })
    await store.save(createManifest({ checkpointId: 1, epoch: 1 }))
    expect((await store.loadLatest())?.checkpointId).toBe(1)
    await store.close()
  })

  test("if the SDK finds none, the error says which options to give", async () => {
    clearEnvironment()
    const store = await openS3Store({ bucket: "jobs", region, endpoint, forcePathStyle: true })
    await expect(store.loadLatest()).rejects.toMatchObject({
      code: "CKPT_DENIED",
      retryable: false,
      message: expect.stringMatching(/AWS_ACCESS_KEY_ID.*credentials/s),
    })
    await store.close()
  })
})
