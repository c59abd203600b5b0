import { putBody, uploadInParts } from "@ckpt/core/adapter"
import { type FaultProxy, startFaultProxy } from "@ckpt/fault-proxy"
import type { Storage } from "@google-cloud/storage"
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest"
import { GcsBackend } from "../src/index.js"
import { clients, newBucket } from "./storage.js"

const chunkBytes = 256 * 1024
const bytes = Buffer.alloc(3 * chunkBytes + 1000, "some bytes ")

async function* stream(): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Core's retry without its waits: three attempts. */
async function attempt<T>(one: (signal: AbortSignal) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await one(new AbortController().signal)
    } catch (error) {
      const { kind } = error as { kind?: string }
      if (tries === 3 || (kind !== "ambiguous" && kind !== "transient")) throw error
    }
  }
}

describe.each(Object.entries(clients))("%s", (_, newClient) => {
  let proxy: FaultProxy
  let backend: GcsBackend

  beforeEach(async () => {
    proxy = await startFaultProxy(inject("endpoint"))
    backend = new GcsBackend({ client: newClient(proxy.endpoint), bucket: await newBucket(), chunkBytes })
  })

  afterEach(async () => {
    await backend[Symbol.asyncDispose]()
    await proxy.stop()
  })

  const ranges = () =>
    proxy.requests.filter(({ method }) => method === "PUT").map(({ headers }) => headers["content-range"])

  async function isWhole(): Promise<boolean> {
    const chunks: Uint8Array[] = []
    for await (const chunk of (await backend.get("long"))?.body ?? []) chunks.push(chunk)
    return bytes.equals(Buffer.concat(chunks))
  }

  test("a long body goes in chunks, the last one with the total and the checksum", async () => {
    const meta = await putBody(backend, "long", stream(), { when: "absent", attempt })
    expect(meta.size).toBe(bytes.length)
    expect(ranges()).toEqual([
      "bytes 0-262143/*",
      "bytes 262144-524287/*",
      "bytes 524288-786431/*",
      "bytes 786432-787431/787432",
    ])
    expect(proxy.requests.map(({ headers }) => headers["x-goog-hash"] !== undefined)).toEqual([
      false,
      false,
      false,
      false,
      true,
    ])
    expect(await isWhole()).toBe(true)
  })

  test.each([
    ["empty", 0, ["bytes */0"]],
    ["one chunk", chunkBytes, ["bytes 0-262143/262144"]],
    ["two chunks", 2 * chunkBytes, ["bytes 0-262143/*", "bytes 262144-524287/524288"]],
  ])("in parts, %s", async (_, size, expected) => {
    const body = size === 0 ? [] : [Buffer.alloc(size, 1)]
    expect((await uploadInParts(backend.parts, "long", body, { when: "absent" })).size).toBe(size)
    expect(ranges()).toEqual(expected)
  })

  test("after a chunk that broke off the session is asked, and goes on there", async () => {
    // Of the second chunk the service gets half, and keeps nothing, since it is less than 256 KiB.
    proxy.inject({
      when: ({ method }) => method === "PUT",
      skip: 1,
      times: 1,
      fault: { kind: "cut-request", afterBytes: 100_000 },
    })
    await putBody(backend, "long", stream(), { when: "absent", attempt })
    expect(ranges().slice(1, 4)).toEqual(["bytes 262144-524287/*", "bytes */*", "bytes 262144-524287/*"])
    expect(await isWhole()).toBe(true)
  })

  test("a chunk whose answer was lost is not sent again", async () => {
    proxy.inject({ when: ({ method }) => method === "PUT", skip: 1, times: 1, fault: { kind: "answer-lost" } })
    await putBody(backend, "long", stream(), { when: "absent", attempt })
    expect(ranges().slice(1, 4)).toEqual(["bytes 262144-524287/*", "bytes */*", "bytes 524288-786431/*"])
    expect(await isWhole()).toBe(true)
  })

  test("the lost answer of the last chunk: the session says that it is finished", async () => {
    proxy.inject({ when: ({ method }) => method === "PUT", skip: 3, times: 1, fault: { kind: "answer-lost" } })
    const meta = await putBody(backend, "long", stream(), { when: "absent", attempt })
    expect(ranges().slice(3)).toEqual(["bytes 786432-787431/787432", "bytes */*"])
    const question = proxy.requests.find(({ headers }) => headers["content-range"] === "bytes */*")
    expect(question?.headers).toMatchObject({ "content-length": "0" })
    expect(await backend.head("long")).toEqual(meta)
  })

  test("a service that takes a part of a chunk gets the rest", async () => {
    const larger = new GcsBackend({
      client: newClient(proxy.endpoint),
      bucket: await newBucket(),
      chunkBytes: 3 * chunkBytes,
    })
    const fault = { kind: "replace-answer", headers: { range: "bytes=0-262143" }, body: "" } as const
    proxy.inject({ when: ({ method }) => method === "PUT", times: 1, fault })
    await putBody(larger, "long", stream(), { when: "absent", attempt })
    expect(ranges()).toEqual(["bytes 0-786431/*", "bytes 262144-786431/*", "bytes 786432-787431/787432"])
    await larger[Symbol.asyncDispose]()
  })

  test.each([404, 410])("a session that is lost (%i) is a precondition: core reads back", async (status) => {
    proxy.inject({ when: ({ method }) => method === "PUT", skip: 2, fault: { kind: "status", status } })
    await expect(putBody(backend, "long", stream(), { when: "absent", attempt })).rejects.toMatchObject({
      kind: "precondition",
    })
    expect(await backend.head("long")).toBeUndefined()
  })

  test("a service that stored other bytes than were sent is no success", async () => {
    const lie = (body: string) => JSON.stringify({ ...JSON.parse(body), md5Hash: "AAAAAAAAAAAAAAAAAAAAAA==" })
    const fault = { kind: "replace-answer", body: ({ body }: { body: Buffer }) => lie(body.toString()) } as const
    proxy.inject({ when: ({ query }) => query.get("uploadType") === "multipart", fault })
    await expect(backend.put("short", [Buffer.from("x")])).rejects.toMatchObject({ kind: "ambiguous" })
  })

  test("an upload that is given up is cancelled, and its session takes nothing more", async () => {
    const failure = new Error("the source broke off")
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytes
      throw failure
    }
    await expect(putBody(backend, "long", broken(), { when: "absent", attempt })).rejects.toBe(failure)
    await proxy.seen(({ method, answered }) => method === "DELETE" && answered === 499)
    expect(await backend.head("long")).toBeUndefined()
  })

  test("409 and a rate limit are tried again, a used-up quota is not; nothing was changed", async () => {
    const error = (status: number, reason: string) =>
      ({
        kind: "status",
        status,
        body: JSON.stringify({ error: { code: status, message: "m", errors: [{ reason }] } }),
      }) as const
    proxy.inject({ when: () => true, fault: error(409, "conflict"), times: 1 })
    await expect(backend.put("short", [])).rejects.toMatchObject({ kind: "transient" })
    proxy.inject({ when: () => true, fault: error(403, "rateLimitExceeded"), times: 1 })
    await expect(backend.put("short", [])).rejects.toMatchObject({ kind: "transient" })
    proxy.inject({ when: () => true, fault: error(403, "quotaExceeded"), times: 1 })
    await expect(backend.put("short", [])).rejects.toMatchObject({
      kind: "full",
      message: expect.stringContaining("A quota of the project is used up: raise it"),
    })
    proxy.inject({ when: () => true, fault: error(403, "retentionPolicyNotMet"), times: 1 })
    await expect(backend.put("short", [])).rejects.toMatchObject({
      kind: "denied",
      message: expect.stringContaining("A retention policy or a hold protects the object"),
    })
    proxy.inject({ when: () => true, fault: { kind: "status", status: 200, body: "<html>" }, times: 1 })
    await expect(backend.put("short", [])).rejects.toMatchObject({ kind: "ambiguous" })
  })

  test("pages of a listing: an empty one goes on, a circle ends, one that is no JSON is an error", async () => {
    const answer = (value: object) => ({ kind: "replace-answer", status: 200, body: JSON.stringify(value) }) as const
    const page = (value: object) => answer({ kind: "storage#objects", ...value })
    const names = async () => {
      const found: string[] = []
      for await (const { key } of backend.list("")) found.push(key)
      return found
    }
    const item = (name: string) => ({ name, size: "1", generation: "5", timeCreated: "2026-01-01T00:00:00.123Z" })
    const first = ({ query }: { query: URLSearchParams }) => !query.has("pageToken")
    const second = ({ query }: { query: URLSearchParams }) => query.has("pageToken")
    proxy.inject(
      { when: first, fault: page({ nextPageToken: "t" }) },
      { when: second, fault: page({ items: [item("a")] }) },
    )
    expect(await names()).toEqual(["a"])
    proxy.clear()
    proxy.inject({ when: () => true, fault: page({ items: [item("a")], nextPageToken: "t" }) })
    await expect(names()).rejects.toMatchObject({ kind: "transient", message: expect.stringContaining("circles") })
    proxy.clear()
    proxy.inject({ when: () => true, fault: { kind: "truncate", afterBytes: 1, framing: "chunked" } })
    await expect(names()).rejects.toMatchObject({ kind: "transient" })
    proxy.clear()
    for (const other of [{}, { error: { code: 503 } }, { kind: "storage#object", items: [] }]) {
      proxy.inject({ when: () => true, fault: answer(other) })
      await expect(names()).rejects.toMatchObject({ kind: "transient", message: expect.stringContaining("no listing") })
      proxy.clear()
    }
    proxy.inject({ when: () => true, fault: page({ items: [{ name: "a", size: "1" }] }) })
    await expect(names()).rejects.toMatchObject({ kind: "transient", message: expect.stringContaining("no object") })
  })

  test("every request names the project that pays, but those of a session, whose address does", async () => {
    const bucket = await newBucket()
    const paid = new GcsBackend({ client: newClient(proxy.endpoint), bucket, userProject: "payer" })
    await uploadInParts(paid.parts, "key", [])
    await paid.head("key")
    await paid.get("key")
    await paid.now()
    await paid.delete(["key"])
    const asked = proxy.requests.filter(({ method }) => method !== "PUT")
    expect(asked.map(({ query }) => query.get("userProject"))).toEqual(Array(5).fill("payer"))
    await paid[Symbol.asyncDispose]()
  })

  test("the client's interceptors see every request", async () => {
    const client = newClient(proxy.endpoint)
    const trace = (options: { headers?: object }) => ({ ...options, headers: { ...options.headers, "x-trace": "7" } })
    const { interceptors } = client as { interceptors: object[] }
    interceptors.push({ request: trace })
    const traced = new GcsBackend({ client, bucket: await newBucket() })
    await traced.put("key", [])
    expect(proxy.requests.map(({ headers }) => headers["x-trace"])).toEqual(["7"])
    await traced[Symbol.asyncDispose]()
  })

  test("an object that someone stored compressed is read as it is stored, ranges too", async () => {
    const bucket = await newBucket()
    const client = newClient(inject("endpoint")) as Storage
    await client.bucket(bucket).file("zipped").save("some text ".repeat(100), { gzip: true, resumable: false })
    const direct = new GcsBackend({ client, bucket })
    const read = async (range?: { offset: number; length: number }) => {
      const content = await direct.get("zipped", { range })
      const chunks: Uint8Array[] = []
      for await (const chunk of content?.body ?? []) chunks.push(chunk)
      return { size: content?.meta.size, bytes: Buffer.concat(chunks) }
    }
    const whole = await read()
    expect(whole.bytes.length).toBe(whole.size)
    expect([...whole.bytes.subarray(0, 2)]).toEqual([0x1f, 0x8b])
    const part = await read({ offset: 1, length: 5 })
    expect(part.bytes).toEqual(whole.bytes.subarray(1, 6))
    await direct[Symbol.asyncDispose]()
  })
})
