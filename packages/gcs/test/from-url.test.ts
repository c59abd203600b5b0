import { afterEach, expect, inject, test, vi } from "vitest"
import { createManifest, fromUrl, openCheckpointStore, openGcsStore, openObjects } from "../src/index.js"
import { clients, newBucket } from "./storage.js"

afterEach(() => vi.unstubAllEnvs())

const manifest = createManifest({ checkpointId: 1, epoch: 1 })
const server = () => ({ apiEndpoint: inject("endpoint"), projectId: "test" })

test("a store by its URL is the store by its options", async () => {
  const bucket = await newBucket()
  const place = await fromUrl(`gs://${bucket}/team/job`, { ...server(), chunkBytes: 256 * 1024 })
  await using store = await openCheckpointStore({ ...place, retain: { last: 2 } })
  await store.save(manifest, { state: Buffer.alloc(256 * 1024 + 1, "s") })
  await using same = await openGcsStore({ ...server(), bucket, prefix: "team/job" })
  expect((await same.recover({ depth: "deep" })).checkpoint?.manifest).toEqual(await store.load(1))
  await using neighbour = await openGcsStore({ ...server(), bucket, prefix: "team/job-1" })
  expect((await neighbour.recover()).outcome).toBe("fresh")
})

test("the address is that of the environment", async () => {
  const bucket = await newBucket()
  vi.stubEnv("STORAGE_EMULATOR_HOST", inject("endpoint"))
  const { backend, ...options } = await fromUrl(`gs://${bucket}/team`)
  await using objects = openObjects(backend, options)
  expect((await objects.create("k", Buffer.from("bytes"))).outcome).toBe("created")
})

test.each(Object.entries(clients))("nothing in a URL is decoded, with a client of %s", async (_, newClient) => {
  const bucket = await newBucket()
  const client = newClient(inject("endpoint"))
  const prefix = "a b/50%/a%20b/a#b/日本/"
  const { backend, ...options } = await fromUrl(`gs://${bucket}/${prefix}`, { client })
  expect(options).toEqual({ prefix, ownsBackend: true })
  await using objects = openObjects(backend, options)
  await objects.create("k", Buffer.from("bytes"))
  await using whole = openObjects((await fromUrl(`gs://${bucket}`, { client })).backend)
  expect((await whole.list()).map(({ key }) => key)).toEqual([`${prefix}k`])
})

test.each([
  ["s3://jobs/a", {}, "import fromUrl from @ckpt/s3"],
  ["gs://", {}, "has no bucket; write gs://bucket/prefix"],
  ["gs://Jobs/a", {}, "lower-case"],
  ["gs://jobs/a//b", {}, 'has "//"'],
  ["gs://jobs/a?userProject=me", {}, 'has a "?"'],
  ["gs://jobs/a", null, "the options are null"],
  ["gs://jobs/a", { bucket: "jobs" }, "fromUrl: there is no option bucket"],
  ["gs://jobs/a", { timeout: 7 }, "the store has the time-out"],
  ["gs://jobs/a", { project: "me" }, "Did you mean projectId?"],
  ["gs://jobs/a", { client: {} }, "client is no Storage client"],
  ["gs://jobs/a", { chunkBytes: 1 }, "multiple of 262144"],
])("fromUrl(%j, %o) is CKPT_INVALID", async (url, options, text) => {
  const invalid = { code: "CKPT_INVALID", message: expect.stringContaining(text) }
  await expect(fromUrl(url, options as never)).rejects.toMatchObject(invalid)
})

test("a client and options of a client are CKPT_INVALID", async () => {
  const client = clients["@google-cloud/storage 7"]("http://localhost")
  const both = fromUrl("gs://jobs/a", { client, projectId: "p" })
  await expect(both).rejects.toMatchObject({ code: "CKPT_INVALID", message: expect.stringContaining("and projectId") })
})
