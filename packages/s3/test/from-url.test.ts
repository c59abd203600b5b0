import { S3Client } from "@aws-sdk/client-s3"
import { afterEach, expect, test, vi } from "vitest"
import { createManifest, fromUrl, openCheckpointStore, openObjects, openS3Store } from "../src/index.js"
import { hasServer, newBucket, partBytes, serverClient, serverOptions } from "./storage.js"

afterEach(() => vi.unstubAllEnvs())

const manifest = createManifest({ checkpointId: 1, epoch: 1 })

test.runIf(hasServer)("a store by its URL is the store by its options", async () => {
  const bucket = await newBucket()
  const place = await fromUrl(`s3://${bucket}/team/job`, { ...serverOptions(), partBytes })
  await using store = await openCheckpointStore({ ...place, retain: { last: 2 } })
  await store.save(manifest, { state: Buffer.alloc(partBytes + 1, "s") })
  await using same = await openS3Store({ ...serverOptions(), bucket, prefix: "team/job" })
  expect((await same.recover({ depth: "deep" })).checkpoint?.manifest).toEqual(await store.load(1))
  await using neighbour = await openS3Store({ ...serverOptions(), bucket, prefix: "team/job-1" })
  expect((await neighbour.recover()).outcome).toBe("fresh")
})

test.runIf(hasServer)("address, region and credentials are those of the environment", async () => {
  const bucket = await newBucket()
  const { endpoint, region, credentials } = serverOptions()
  vi.stubEnv("AWS_ENDPOINT_URL_S3", endpoint)
  vi.stubEnv("AWS_REGION", region)
  vi.stubEnv("AWS_ACCESS_KEY_ID", credentials.accessKeyId)
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey)
  const { backend, ...options } = await fromUrl(`s3://${bucket}/team`)
  await using objects = openObjects(backend, options)
  expect((await objects.create("k", Buffer.from("bytes"))).outcome).toBe("created")
})

test.runIf(hasServer)("nothing in a URL is decoded", async () => {
  const bucket = await newBucket()
  const prefix = "a b/50%/a%20b/a#b/日本/"
  const { backend, ...options } = await fromUrl(`s3://${bucket}/${prefix}`, serverOptions())
  expect(options).toEqual({ prefix, ownsBackend: true })
  await using objects = openObjects(backend, options)
  await objects.create("k", Buffer.from("bytes"))
  await using whole = openObjects((await fromUrl(`s3://${bucket}`, serverOptions())).backend, { ownsBackend: true })
  expect((await whole.list()).map(({ key }) => key)).toEqual([`${prefix}k`])
})

test("a client of the caller is used, and left open", async () => {
  const client = serverClient()
  let destroyed = 0
  client.destroy = () => void destroyed++
  const { backend } = await fromUrl("s3://jobs/a", { client })
  await backend[Symbol.asyncDispose]()
  expect(destroyed).toBe(0)
})

test("a client that was made here ends with the backend", async () => {
  const { destroy } = S3Client.prototype
  let destroyed = 0
  S3Client.prototype.destroy = function () {
    destroyed++
    return destroy.call(this)
  }
  try {
    const place = await fromUrl("s3://jobs/a", serverOptions())
    const objects = openObjects(place.backend, { ownsBackend: place.ownsBackend })
    await objects.close()
    expect(destroyed).toBe(1)
  } finally {
    S3Client.prototype.destroy = destroy
  }
})

test("a client and options of a client are CKPT_INVALID", async () => {
  const both = fromUrl("s3://jobs/a", { client: serverClient(), region: "eu-west-1" })
  const message = expect.stringContaining("client and region were both given")
  await expect(both).rejects.toMatchObject({ code: "CKPT_INVALID", message })
})

test.each([
  ["gs://jobs/a", {}, "import fromUrl from @ckpt/gcs"],
  ["s3://", {}, "has no bucket; write s3://bucket/prefix"],
  ["s3://jobs/../a", {}, '".." segment'],
  ["s3://jobs/a?region=eu-west-1", {}, 'has a "?"'],
  ["s3://jobs/a", null, "the options are null"],
  ["s3://jobs/a", "eu-west-1", 'fromUrl: the options are the string "eu-west-1"'],
  ["s3://jobs/a", { bucket: "jobs" }, "fromUrl: there is no option bucket"],
  ["s3://jobs/a", { prefix: "b" }, "fromUrl: there is no option prefix"],
  ["s3://jobs/a", { retain: { last: 3 } }, "fromUrl: there is no option retain"],
  ["s3://jobs/a", { regoin: "eu-west-1" }, "Did you mean region?"],
  ["s3://jobs/a", { endpoint: "localhost:9000" }, '"https://host:9000"'],
  ["s3://jobs/a", { partBytes: 1 }, "5 MiB"],
])("fromUrl(%j, %o) is CKPT_INVALID", async (url, options, text) => {
  const invalid = { code: "CKPT_INVALID", message: expect.stringContaining(text) }
  await expect(fromUrl(url, options as never)).rejects.toMatchObject(invalid)
})
