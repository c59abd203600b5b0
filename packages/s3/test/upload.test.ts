import {
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3"
import { putBody } from "@ckpt/core/adapter"
import { type FaultProxy, startFaultProxy } from "@ckpt/fault-proxy"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { createManifest, openS3Store, S3Backend } from "../src/index.js"
import { hasServer, newBucket, partBytes, serverClient, serverOptions } from "./storage.js"

/** A client of a storage with short pages, so that a handful of keys makes many. */
function shortPages(length: number): S3Client {
  const client = serverClient()
  client.middlewareStack.add(
    (next, context) => (args) => {
      const input = args.input as { MaxKeys?: number; MaxUploads?: number }
      if (context.commandName === "ListObjectsV2Command") input.MaxKeys = length
      if (context.commandName === "ListMultipartUploadsCommand") input.MaxUploads = length
      return next(args)
    },
    { step: "initialize", name: "shortPages" },
  )
  return client
}

/** A client whose lists of parts have one part on a page. */
function pagedParts(endpoint: string): S3Client {
  const paged = serverClient({ endpoint })
  paged.middlewareStack.add(
    (next, context) => (args) => {
      const input = args.input as { MaxParts?: number }
      if (context.commandName === "ListPartsCommand") input.MaxParts = 1
      return next(args)
    },
    { step: "initialize", name: "pagedParts" },
  )
  return paged
}

async function keysOf(backend: S3Backend, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of backend.list(prefix)) keys.push(key)
  return keys
}

async function* stream(size: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < size; sent += 100_000) yield new Uint8Array(Math.min(100_000, size - sent)).fill(sent % 251)
}

describe.runIf(hasServer)("lists", () => {
  test.each([1, 2, 3, 100])("of odd keys are complete with %i on a page", async (length) => {
    const backend = new S3Backend({ client: shortPages(length), bucket: await newBucket() })
    const keys = [
      " a",
      "a ",
      "a b",
      "a+b",
      "a%2Fb",
      "a&amp;b",
      "a/b",
      "a//b",
      "a<b>",
      "a'\"",
      "a?#",
      "ä/é€😀",
      "~*()!",
      "a\u0001",
      "a\r\n",
    ]
    await Promise.all(keys.map((key) => backend.put(key, [])))
    expect((await keysOf(backend, "")).sort()).toEqual([...keys].sort())
    expect(await keysOf(backend, "a+")).toEqual(["a+b"])
    expect(await backend.delete(keys.filter((key) => !/[\u0001\r]/.test(key)))).toEqual([])
    expect((await keysOf(backend, "")).sort()).toEqual(["a\u0001", "a\r\n"])
  })
})

describe.runIf(hasServer)("uploads in parts", () => {
  let proxy: FaultProxy
  let backend: S3Backend
  let bucket: string
  const client = serverClient()
  beforeAll(async () => {
    proxy = await startFaultProxy(serverOptions().endpoint)
  })
  afterAll(() => proxy?.stop())
  beforeEach(async () => {
    proxy.clear()
    proxy.resetCounts()
    bucket = await newBucket()
    backend = new S3Backend({ client: serverClient({ endpoint: proxy.endpoint }), bucket, partBytes })
  })

  test("every request that carries bytes has its length and its checksum in headers, never a trailer", async () => {
    await backend.put("whole", [new Uint8Array(100_000)])
    await putBody(backend, "parts", stream(partBytes + 1))
    const carrying = proxy.requests.filter(({ method }) => method === "PUT")
    expect(carrying).toHaveLength(3)
    for (const { headers, bytesReceived } of carrying) {
      expect(headers["content-length"]).toBe(String(bytesReceived))
      expect(headers["x-amz-checksum-crc32"]).toMatch(/^[\w+/]{6}==$/)
      expect(headers).not.toHaveProperty("x-amz-trailer")
      expect(headers).not.toHaveProperty("expect")
    }
    const attributes = { Bucket: bucket, Key: "parts", ObjectAttributes: ["Checksum" as const] }
    const { Checksum } = await client.send(new GetObjectAttributesCommand(attributes))
    expect(Checksum?.ChecksumCRC32).toBeDefined()
  })

  test("at most four parts are under way, and the object is whole", async () => {
    const size = 6 * partBytes + 1
    let [now, most] = [0, 0]
    const counting = serverClient()
    counting.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName !== "UploadPartCommand") return next(args)
        most = Math.max(most, ++now)
        try {
          return await next(args)
        } finally {
          now--
        }
      },
      { step: "initialize", name: "counting" },
    )
    const meta = await putBody(new S3Backend({ client: counting, bucket, partBytes }), "k", stream(size))
    expect(meta.size).toBe(size)
    expect(most).toBe(4)
    expect(await backend.head("k")).toMatchObject({ size, version: meta.version })
  })

  test("the meta of a put is that of a look at it, but for the fraction of a second", async () => {
    for (const size of [10, partBytes + 1]) {
      const put = await putBody(backend, `k${size}`, stream(size))
      const seen = await backend.head(`k${size}`)
      expect({ ...seen, lastModified: 0 }).toEqual({ ...put, lastModified: 0 })
      expect(Math.abs((seen?.lastModified.getTime() ?? 0) - put.lastModified.getTime())).toBeLessThanOrEqual(2000)
    }
  })

  test("a part that is refused gives the upload up", async () => {
    const fault = { kind: "status", status: 403, body: "<Error><Code>AccessDenied</Code></Error>" } as const
    proxy.inject({ when: ({ query }) => query.get("partNumber") === "2", fault })
    await expect(putBody(backend, "k", stream(3 * partBytes))).rejects.toMatchObject({ kind: "denied" })
    expect(await backend.leftovers({ olderThanMs: -60_000, prefix: "", dryRun: true })).toEqual([])
  })

  test("an upload that a collector took away in the middle fails, and the next try gets through", async () => {
    const store = await openS3Store({ ...serverOptions(), bucket, partBytes, retry: { minDelayMs: 0 } })
    let times = 0
    async function* state() {
      yield* stream(3 * partBytes)
      if (times++ === 0) await new S3Backend({ client, bucket }).leftovers({ olderThanMs: -60_000, prefix: "" })
      yield* stream(partBytes)
    }
    const manifest = createManifest({ checkpointId: 1, epoch: 1 })
    await expect(store.save(manifest, { state: state() })).rejects.toMatchObject({ retryable: true })
    await expect(store.save(manifest, { state: state() })).resolves.toMatchObject({ outcome: "created" })
    expect((await store.verify(1)).valid).toBe(true)
    await store.close()
  })

  test("a part whose upload is gone is sent once, and the save can be made again", async () => {
    const body = "<Error><Code>NoSuchUpload</Code></Error>"
    const isPart = ({ query }: { query: URLSearchParams }) => query.get("partNumber") === "2"
    proxy.inject({ when: isPart, fault: { kind: "status", status: 404, body } })
    const store = await openS3Store({ ...serverOptions(proxy.endpoint), bucket, partBytes, retry: { minDelayMs: 0 } })
    const state = new Uint8Array(3 * partBytes)
    const failure = { code: "CKPT_IO", retryable: true, message: expect.stringContaining("given up by a collection") }
    await expect(store.writeState(1, state)).rejects.toMatchObject(failure)
    expect(proxy.requests.filter(isPart)).toHaveLength(1)
    proxy.clear()
    await store.writeState(1, state)
    await store.close()
  })

  test("a collection leaves an upload alone that began long ago and whose last part is young", async () => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: "job/a" }))
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: "job/without-parts" }))
    for (const PartNumber of [1, 2, 3]) {
      const part = { Bucket: bucket, Key: "job/a", UploadId, PartNumber, Body: new Uint8Array(9) }
      await client.send(new UploadPartCommand(part))
    }
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()
    /** Moves times of an answer into the past, since a test cannot wait for hours. */
    const aged = (query: string, rewrite: (xml: string) => string) =>
      proxy.inject({
        when: ({ method, query: given }) => method === "GET" && given.has(query),
        fault: { kind: "replace-answer", body: ({ body }) => rewrite(body.toString()) },
      })
    const found = async (olderThanMs: number) =>
      (
        await new S3Backend({ client: pagedParts(proxy.endpoint), bucket }).leftovers({ olderThanMs, prefix: "job/" })
      ).map(({ name }) => name.replace(/ \(upload .*/, ""))
    const begun = (xml: string) => xml.replaceAll(/<Initiated>.*?</g, `<Initiated>${hoursAgo(5)}<`)
    aged("uploads", begun)
    expect(await found(3_600_000)).toEqual(["job/without-parts"])
    expect(await found(3_600_000)).toEqual([])
    // The parts came one, two and three hours ago, one on each page: the youngest counts.
    let page = 0
    aged("uploadId", (xml) =>
      xml.replaceAll(/<LastModified>.*?</g, () => `<LastModified>${hoursAgo(3 - (page++ % 3))}<`),
    )
    expect(await found(1.5 * 3_600_000)).toEqual([])
    expect(await found(0.5 * 3_600_000)).toEqual(["job/a"])
    expect(page).toBe(6)
  })

  test("a collection leaves uploads alone at and above the latest valid checkpoint, and those of a check, whatever their age", async () => {
    const other = await openS3Store({ ...serverOptions(), bucket })
    const save = (id: number) => other.save(createManifest({ checkpointId: id, epoch: id }))
    await save(5)
    const begin = async (name: string) => {
      const Key = `checkpoints/${name}`
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
      return Key
    }
    const below = await begin("state-000004.bin")
    for (const name of ["state-000005.bin", "state-000006.bin", ".ckpt-probe-00ff", "foreign"]) await begin(name)
    const collected = async (by = other) =>
      (await by.collectOrphans({ olderThanMs: 0 })).removed.map((name) => name.replace(/ \(upload .*/, ""))
    // The storage's time has whole seconds: until the next second begins, an upload may lie in the future.
    const begun = Date.now()
    while ((await backend.now()).getTime() < begun);
    expect(await collected()).toEqual([below])

    // A save above them goes through all the while.
    let times = 0
    async function* state() {
      yield* stream(3 * partBytes)
      times++
      expect(await collected()).toEqual([])
      yield* stream(partBytes)
    }
    const store = await openS3Store({ ...serverOptions(), bucket, partBytes })
    await store.save(createManifest({ checkpointId: 7, epoch: 7 }), { state: state() })
    expect(times).toBe(1)
    expect((await store.verify(7)).valid).toBe(true)
    expect((await collected(store)).sort()).toEqual(["checkpoints/state-000005.bin", "checkpoints/state-000006.bin"])
    await store.close()
    await other.close()
  })

  test("leftovers: page by page, only old ones under the prefix, each failure told", async () => {
    const begin = async (Key: string) => {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
      await client.send(
        new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber: 1, Body: new Uint8Array(9) }),
      )
    }
    // One key has several uploads: the marker of the upload counts too.
    const keys = ["job/a", "job/a", "job/a", "job/b", "job/ü +&", "other"]
    for (const key of keys) await begin(key)
    const paged = new S3Backend({ client: shortPages(2), bucket })
    const names = async (olderThanMs: number, dryRun: boolean) =>
      (await paged.leftovers({ olderThanMs, prefix: "job/", dryRun })).map(({ name }) =>
        name.replace(/ \(upload .*/, ""),
      )
    expect(await names(3_600_000, false)).toEqual([])
    expect(await names(-60_000, true)).toEqual(keys.slice(0, 5))

    const fault = { kind: "status", status: 403, body: "<Error><Code>AccessDenied</Code></Error>" } as const
    proxy.inject({ when: ({ method, path }) => method === "DELETE" && path.endsWith("/job/b"), fault })
    const found = await backend.leftovers({ olderThanMs: -60_000, prefix: "job/" })
    expect(found.map(({ error }) => error?.kind)).toEqual([undefined, undefined, undefined, "denied", undefined])
    expect(found[3]?.error?.message).toContain("Allow s3:AbortMultipartUpload on")
    expect(await names(-60_000, true)).toEqual(["job/b"])
    expect(await names(-60_000, false)).toEqual(["job/b"])
    expect((await paged.leftovers({ olderThanMs: -60_000, prefix: "" })).map(({ name }) => name)).toMatchObject([
      expect.stringMatching(/^other \(upload .+\)$/),
    ])
  })
})
