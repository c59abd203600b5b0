import { randomBytes } from "node:crypto"
import { afterEach, describe, expect, it } from "vitest"
import { type GcsServer, startGcsServer } from "../src/index.js"
import { clients, openBucket, stopAll } from "./support/clients.js"

const servers: GcsServer[] = []
afterEach(() => stopAll(servers))

async function start(options: Parameters<typeof startGcsServer>[0] = {}): Promise<GcsServer> {
  const server = await startGcsServer(options)
  servers.push(server)
  return server
}

describe.each(clients)("reads by version $major of the client", ({ Client }) => {
  it("whole, validated, and by ranges; end inclusive, cut at the object's end", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    const bytes = randomBytes(1_000_003)
    const file = bucket.file("dir/ü 😀?#%2F.bin")
    await file.save(bytes)
    for (const validation of ["crc32c", "md5", false] as const) {
      expect((await file.download({ validation }))[0].equals(bytes)).toBe(true)
    }
    for (const [start, end] of [
      [0, 0],
      [5, 9],
      [999_999, 2_000_000],
      [1_000_002, undefined],
      [undefined, 3],
    ] as const) {
      const options = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }
      const [part] = await file.download(options)
      expect(part.equals(bytes.subarray(start ?? 0, end === undefined ? undefined : end + 1))).toBe(true)
    }
    const [tail] = await file.download({ end: -7 })
    expect(tail.equals(bytes.subarray(-7))).toBe(true)
    await expect(file.download({ start: 1_000_003 })).rejects.toMatchObject({ code: 416 })
  })

  it("reads one generation, and 404 once it was replaced", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    await bucket.file("key").save("first")
    const generation = Number((await bucket.file("key").getMetadata())[0].generation)
    const first = bucket.file("key", { generation })
    expect(String(await first.download())).toBe("first")
    await bucket.file("key").save("second")
    await expect(first.download()).rejects.toMatchObject({ code: 404 })
    await expect(first.getMetadata()).rejects.toMatchObject({ code: 404 })
  })

  it("absence: a plain text message for bytes, a reason for the rest", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    const message = "No such object: test-bucket/nope"
    await expect(bucket.file("nope").download()).rejects.toMatchObject({ code: 404, message })
    const notFound = { code: 404, message, errors: [{ reason: "notFound", domain: "global" }] }
    await expect(bucket.file("nope").getMetadata()).rejects.toMatchObject(notFound)
    await expect(bucket.file("nope").delete()).rejects.toMatchObject(notFound)
    await bucket.file("nope").delete({ ignoreNotFound: true })
    const other = bucket.storage.bucket("no-such-bucket")
    await expect(other.file("x").getMetadata()).rejects.toMatchObject({ code: 404 })
    await expect(other.getFiles()).rejects.toMatchObject({ code: 404, message: "The specified bucket does not exist." })
    await expect(other.file("x").save("y")).rejects.toMatchObject({ status: 404 })
    await expect(other.file("x").save("y", { resumable: false })).rejects.toMatchObject({ code: 404 })
  })

  it("buckets: exist once, are deleted empty only", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    expect(await bucket.exists()).toEqual([true])
    const again = bucket.storage.createBucket("test-bucket")
    await expect(again).rejects.toMatchObject({ code: 409, errors: [{ reason: "conflict" }] })
    await expect(bucket.storage.createBucket("NOT A NAME")).rejects.toMatchObject({ code: 400 })
    await bucket.storage.createBucket("another-bucket")
    const [buckets] = await bucket.storage.getBuckets()
    expect(buckets.map(({ name }) => name)).toEqual(["another-bucket", "test-bucket"])
    await bucket.file("x").save("y")
    await expect(bucket.delete()).rejects.toMatchObject({ code: 409 })
    await bucket.file("x").delete()
    await bucket.delete()
    expect(await bucket.exists()).toEqual([false])
  })

  it("names that the service refuses", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    for (const name of ["a\nb", "a\rb", "é".repeat(513), ".", ".."]) {
      await expect(bucket.file(name).save("x", { resumable: false })).rejects.toMatchObject({ code: 400 })
      await expect(bucket.file(name).save("x")).rejects.toMatchObject({ status: 400 })
    }
    await bucket.file("é".repeat(512)).save("x")
  })

  it("a permission that is missing is 403 and names itself", async () => {
    let denied = ""
    const server = await start({ deny: ({ permission }) => permission === denied })
    const bucket = await openBucket(Client, server.endpoint)
    await bucket.file("key").save("x")
    denied = "storage.objects.create"
    const forbidden = { code: 403, message: expect.stringContaining("does not have storage.objects.create access") }
    await expect(bucket.file("new").save("y", { resumable: false })).rejects.toMatchObject(forbidden)
    await expect(bucket.file("new").save("y")).rejects.toMatchObject({ status: 403 })
    denied = "storage.objects.delete"
    await bucket.file("new").save("y", { resumable: false })
    await expect(bucket.file("key").save("y", { resumable: false })).rejects.toMatchObject({ code: 403 })
    denied = "storage.objects.list"
    await expect(bucket.getFiles()).rejects.toMatchObject({ code: 403, errors: [{ reason: "forbidden" }] })
    denied = "storage.objects.get"
    await expect(bucket.file("key").download()).rejects.toMatchObject({ code: 403 })
  })
})
