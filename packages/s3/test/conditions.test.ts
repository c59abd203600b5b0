import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3"
import { createManifest, type ObjectMeta, openCheckpointStore } from "@ckpt/core"
import { uploadInParts } from "@ckpt/core/adapter"
import { type Fault, type FaultProxy, startFaultProxy } from "@ckpt/fault-proxy"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { openS3Store, S3Backend } from "../src/index.js"
import { hasServer, newBucket, partBytes, serverClient, serverOptions } from "./storage.js"

const text = (content: string) => new TextEncoder().encode(content)

async function contentOf(backend: S3Backend, key: string): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of (await backend.get(key))?.body ?? []) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const refusal = (status: number, code: string): Fault => ({
  kind: "status",
  status,
  body: `<Error><Code>${code}</Code></Error>`,
})

describe.runIf(hasServer)("a storage that answers in another way", () => {
  let proxy: FaultProxy
  let backend: S3Backend
  let bucket: string
  beforeAll(async () => {
    proxy = await startFaultProxy(serverOptions().endpoint)
  })
  afterAll(() => proxy?.stop())
  beforeEach(async () => {
    proxy.clear()
    bucket = await newBucket()
    backend = new S3Backend({ client: serverClient({ endpoint: proxy.endpoint }), bucket, partBytes })
  })

  const isWrite = ({ method, query }: { method: string; query: URLSearchParams }) =>
    (method === "PUT" && !query.has("partNumber")) || (method === "POST" && query.has("uploadId"))

  describe.each([false, true])("in parts: %s", (inParts) => {
    const write = (when: "absent" | { version: string }) => {
      if (inParts) return uploadInParts(backend.parts, "k", [text("mine")], { when })
      return backend.put("k", [text("mine")], { when })
    }

    test.each(["ConditionalRequestConflict", "ConcurrentModification", "OperationAborted", "KeyAlreadyExists"])(
      "409 %s to the loser: one look tells whether the condition holds",
      async (code) => {
        proxy.inject({ when: isWrite, fault: refusal(409, code) })
        await expect(write("absent")).rejects.toMatchObject({ kind: "transient" })
        await expect(write({ version: '"gone"' })).rejects.toMatchObject({ kind: "precondition" })
        proxy.clear()
        const { version } = await backend.put("k", [text("theirs")])
        proxy.inject({ when: isWrite, fault: refusal(409, code) })
        await expect(write("absent")).rejects.toMatchObject({ kind: "precondition" })
        await expect(write({ version: '"stale"' })).rejects.toMatchObject({ kind: "precondition" })
        await expect(write({ version })).rejects.toMatchObject({ kind: "transient" })
        expect(await contentOf(backend, "k")).toBe("theirs")
        expect(await backend.leftovers({ olderThanMs: -60_000, prefix: "", dryRun: true })).toEqual([])
      },
    )

    test("an absent key under If-Match is a condition that does not hold", async () => {
      await expect(write({ version: '"v"' })).rejects.toMatchObject({ kind: "precondition" })
    })
  })

  test("a loser that is told 409 gets through, or a conflict, like one that is told 412", async () => {
    const store = await openS3Store({ ...serverOptions(proxy.endpoint), bucket, retry: { minDelayMs: 0 } })
    const create = (id: number, epoch: number) => store.save(createManifest({ checkpointId: id, epoch }))
    await create(1, 1)
    proxy.inject({ when: isWrite, fault: refusal(409, "ConditionalRequestConflict"), times: 2 })
    await expect(create(2, 2)).resolves.toMatchObject({ outcome: "created" })
    proxy.inject({ when: isWrite, fault: refusal(409, "ConditionalRequestConflict"), times: 1 })
    await expect(create(2, 3)).rejects.toMatchObject({ code: "CKPT_CONFLICT" })
    await store.close()
  })

  test("a completion that ends in a 200 with an error in it may have taken effect", async () => {
    const fault = { kind: "replace-answer", status: 200, body: "<Error><Code>InternalError</Code></Error>" } as const
    proxy.inject({ when: ({ method, query }) => method === "POST" && query.has("uploadId"), fault, times: 1 })
    await expect(uploadInParts(backend.parts, "k", [text("mine")], { when: "absent" })).rejects.toMatchObject({
      kind: "ambiguous",
    })
    // Here it took effect. A store finds that out by reading back.
    expect(await contentOf(backend, "k")).toBe("mine")
    proxy.inject({ when: ({ method, query }) => method === "POST" && query.has("uploadId"), fault, skip: 2, times: 1 })
    const store = await openCheckpointStore({ backend, retry: { minDelayMs: 0 } })
    const state = async function* () {
      yield new Uint8Array(partBytes)
      yield text("end")
    }
    await expect(store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state: state() })).resolves.toMatchObject({
      outcome: "created",
      stateSize: partBytes + 3,
    })
    expect((await store.verify(1)).valid).toBe(true)
    await store.close()
  })

  test("a completion whose upload is gone is a condition that does not hold", async () => {
    proxy.inject({
      when: ({ method, query }) => method === "POST" && query.has("uploadId"),
      fault: refusal(404, "NoSuchUpload"),
    })
    await expect(uploadInParts(backend.parts, "k", [text("mine")])).rejects.toMatchObject({ kind: "precondition" })
  })

  test("ranges and versions that are ignored are noticed", async () => {
    const { version } = await backend.put("k", [text("0123456789")])
    const whole = {
      kind: "replace-answer",
      status: 200,
      headers: { "content-range": undefined },
      body: "0123456789",
    } as const
    proxy.inject({ when: ({ method }) => method === "GET", fault: whole })
    await expect(backend.get("k", { range: { offset: 2, length: 3 } })).rejects.toMatchObject({ kind: "transient" })
    proxy.clear()
    proxy.inject({ when: ({ method }) => method === "GET", fault: { ...whole, headers: { etag: '"other"' } } })
    await expect(backend.get("k", { ifVersion: version })).rejects.toMatchObject({ kind: "precondition" })
  })

  test("an answer that ends early is never an end, however clean it looks", async () => {
    await backend.put("k", [new Uint8Array(300_000)])
    for (const framing of ["length", "chunked", "close"] as const) {
      for (const afterBytes of [0, 100]) {
        const fault = { kind: "truncate", afterBytes, framing } as const
        proxy.inject({ when: ({ method }) => method === "GET", fault })
        await expect(contentOf(backend, "k"), framing).rejects.toMatchObject({ kind: "transient" })
        await expect(backend.list("").next(), framing).rejects.toMatchObject({ kind: "transient" })
        await expect(backend.leftovers({ olderThanMs: 0, prefix: "" })).rejects.toMatchObject({ kind: "transient" })
        proxy.clear()
      }
    }
  })

  test("nothing is ever decompressed: a proxy that compresses is noticed, an object that is compressed is itself", async () => {
    await backend.put("k", [new Uint8Array(300_000)])
    proxy.inject({ when: ({ method }) => method === "GET", fault: { kind: "compress-answer" } })
    await expect(backend.get("k")).rejects.toMatchObject({ kind: "transient" })
    await expect(backend.get("k", { range: { offset: 9 } })).rejects.toMatchObject({ kind: "transient" })
    proxy.clear()
    const Body = text("not even gzip")
    await serverClient().send(new PutObjectCommand({ Bucket: bucket, Key: "zipped", Body, ContentEncoding: "gzip" }))
    expect(await contentOf(backend, "zipped")).toBe("not even gzip")
  })

  test("bytes that were changed on the way are noticed, both ways", async () => {
    const body = new Uint8Array(300_000).fill(7)
    proxy.inject({ when: ({ method }) => method === "PUT", fault: { kind: "corrupt-request", at: 200_000 } })
    await expect(backend.put("k", [body])).rejects.toMatchObject({ kind: "transient" })
    await expect(uploadInParts(backend.parts, "k", [body])).rejects.toMatchObject({ kind: "transient" })
    expect(await backend.head("k")).toBeUndefined()
    proxy.clear()
    await backend.put("k", [body])
    proxy.inject({ when: ({ method }) => method === "GET", fault: { kind: "corrupt-answer", at: 200_000 } })
    await expect(contentOf(backend, "k")).rejects.toMatchObject({ kind: "transient" })
  })
})

async function listed(bucket: string): Promise<ObjectMeta[]> {
  const metas: ObjectMeta[] = []
  for await (const meta of new S3Backend({ client: serverClient(), bucket }).list("")) metas.push(meta)
  return metas
}

/** The client of a storage behind a proxy that compresses: the ETag of every answer is marked as weak. */
function behindCompression(): { readonly client: S3Client; readonly asked: string[] } {
  const client = serverClient()
  const asked: string[] = []
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args)
      const { headers } = result.response as { headers: Record<string, string> }
      if (headers["etag"] !== undefined) headers["etag"] = `W/${headers["etag"]}`
      asked.push(context.commandName ?? "")
      return result
    },
    { step: "deserialize", name: "weak", priority: "low" },
  )
  return { client, asked }
}

describe.runIf(hasServer)("weak ETags", () => {
  test("are one version with the strong ones, wherever they come from", async () => {
    const { client } = behindCompression()
    const bucket = await newBucket()
    const [weak, strong] = [
      new S3Backend({ client, bucket, partBytes }),
      new S3Backend({ client: serverClient(), bucket }),
    ]
    const versions = async (backend: S3Backend) => [
      (await backend.get("k"))?.meta.version,
      (await backend.head("k"))?.version,
      (await listed(bucket)).find(({ key }) => key === "k")?.version,
    ]
    for (const write of [
      () => weak.put("k", [text("1")]),
      () => uploadInParts(weak.parts, "k", [new Uint8Array(2 * partBytes)]),
    ]) {
      const { version } = await write()
      expect(version).toMatch(/^"/)
      for (const backend of [weak, strong]) expect(await versions(backend)).toEqual([version, version, version])
      await weak.get("k", { ifVersion: version })
    }
  })

  test("cost no request more, and every kind of swap goes through", async () => {
    const { client, asked } = behindCompression()
    const bucket = await newBucket()
    const plain = await openS3Store({ client, bucket })
    const store = await plain.claim()
    const manifest = (checkpointId: number) => createManifest({ checkpointId, epoch: 1 })
    await store.save(manifest(1))
    asked.length = 0
    await store.save(manifest(2))
    expect(asked).toEqual(["PutObjectCommand", "GetObjectCommand", "PutObjectCommand"])
    expect((await store.update(2, (current) => ({ ...current, epoch: 7 }))).epoch).toBe(7)
    expect(await store.prune({ last: 1 })).toMatchObject({ removed: [1], failures: [] })
    const next = await plain.claim()
    await expect(store.save(manifest(3))).rejects.toMatchObject({ code: "CKPT_FENCED" })
    await next.save(manifest(4))
    for (const one of [next, store, plain]) await one.close()
  })
})

/** The client of a storage that does not know a condition: the real server overwrites. */
function forgetful(operations: readonly string[], condition: string): S3Client {
  const client = serverClient()
  client.middlewareStack.add(
    (next, context) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      if (operations.includes(context.commandName ?? "")) delete headers[condition]
      return next(args)
    },
    { step: "build", name: "forgetful" },
  )
  return client
}

describe.runIf(hasServer)("a storage that ignores conditions is refused, and nothing is overwritten", () => {
  test.each([
    ["always", "if-none-match", ["PutObjectCommand", "CompleteMultipartUploadCommand"], "overwrote"],
    [
      "at the end of uploads in parts",
      "if-none-match",
      ["CompleteMultipartUploadCommand"],
      "at the end of an upload in parts",
    ],
    ["replaces any version", "if-match", ["PutObjectCommand"], "only a version that is no longer there"],
    [
      "replaces any version at the end of uploads in parts",
      "if-match",
      ["CompleteMultipartUploadCommand"],
      "at the end of an upload in parts although it was asked to replace only a version",
    ],
  ])("%s", async (_, condition, operations, message) => {
    const bucket = await newBucket()
    const good = await openS3Store({ client: serverClient(), bucket })
    await good.save(createManifest({ checkpointId: 1, epoch: 1 }), { state: text("precious") })
    const before = await listed(bucket)
    const client = forgetful(operations, condition)
    const store = await openS3Store({ client, bucket })
    const again = store.save(createManifest({ checkpointId: 1, epoch: 9 }), { state: text("other") })
    await expect(again).rejects.toMatchObject({ code: "CKPT_UNSUPPORTED", message: expect.stringContaining(message) })
    await store.close()
    expect(await listed(bucket)).toEqual(before)
    expect((await good.verify(1)).valid).toBe(true)
    await good.close()
  })
})

describe.runIf(hasServer)("a storage that refuses a condition as not implemented", () => {
  test.each(["If-None-Match", "If-Match"])("%s: CKPT_UNSUPPORTED, and the header is named", async (header) => {
    await using proxy = await startFaultProxy(serverOptions().endpoint)
    const bucket = await newBucket()
    const told = "A header you provided implies functionality that is not implemented"
    const body = `<Error><Code>NotImplemented</Code><Message>${told}</Message><Header>${header}</Header></Error>`
    proxy.inject({
      when: ({ headers }) => headers[header.toLowerCase()] !== undefined,
      fault: { kind: "status", status: 501, body },
    })
    const store = await openS3Store({ ...serverOptions(proxy.endpoint), bucket })
    await expect(store.save(createManifest({ checkpointId: 1, epoch: 1 }))).rejects.toMatchObject({
      code: "CKPT_UNSUPPORTED",
      retryable: false,
      message: expect.stringContaining(`does not implement the header ${header}.`),
    })
    await store.close()
    expect(await listed(bucket)).toEqual([])
  })
})

describe.runIf(hasServer)("a storage without the newer checksums", () => {
  test("gets none, and MD5 with a delete of many", async () => {
    await using proxy = await startFaultProxy(serverOptions().endpoint)
    const bucket = await newBucket()
    // It refuses every header that it does not know.
    const newer = (name: string) => name.startsWith("x-amz-checksum-") || name === "x-amz-sdk-checksum-algorithm"
    proxy.inject({
      when: ({ headers, query }) => !query.has("delete") && Object.keys(headers).some(newer),
      fault: refusal(400, "InvalidArgument"),
    })
    proxy.inject({
      when: ({ headers, query }) => query.has("delete") && headers["content-md5"] === undefined,
      fault: refusal(400, "InvalidRequest"),
    })
    const options = { ...serverOptions(proxy.endpoint), bucket, partBytes }
    const usual = await openS3Store(options)
    await expect(usual.save(createManifest({ checkpointId: 1, epoch: 1 }))).rejects.toMatchObject({ code: "CKPT_IO" })
    await usual.close()
    const clientOptions = {
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    } as const
    const store = await openS3Store({ ...options, clientOptions })
    for (const id of [1, 2]) {
      await store.save(createManifest({ checkpointId: id, epoch: id }), { state: new Uint8Array(partBytes + id) })
    }
    expect(await store.recover({ depth: "deep" })).toMatchObject({ outcome: "recovered", checkpoint: { id: 2 } })
    expect(await store.prune({ last: 1 })).toMatchObject({ removed: [1] })
    await store.close()
  })
})
