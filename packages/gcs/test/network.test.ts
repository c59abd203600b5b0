import { createServer, type Socket } from "node:net"
import { BackendError, type ObjectBackend } from "@ckpt/core"
import { putBody } from "@ckpt/core/adapter"
import { type Fault, type FaultProxy, startFaultProxy } from "@ckpt/fault-proxy"
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest"
import { GcsBackend } from "../src/index.js"
import { clients, newBucket } from "./storage.js"

const key = "folder/object"
const bytes = Buffer.alloc(1_000_000, "some bytes ")
const chunkBytes = 256 * 1024

async function* stream(): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function read(backend: ObjectBackend, signal?: AbortSignal): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of (await backend.get(key, { signal }))?.body ?? []) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** One request of each kind. */
const calls: Record<string, (backend: ObjectBackend, signal?: AbortSignal) => Promise<unknown>> = {
  put: (backend, signal) => backend.put("new", [Buffer.from("small")], { when: "absent", signal }),
  "put in chunks": (backend, signal) => putBody(backend, "new", stream(), { when: "absent", signal }),
  get: read,
  head: (backend, signal) => backend.head(key, { signal }),
  list: async (backend, signal) => {
    for await (const _ of backend.list("", { signal }));
  },
  delete: async (backend, signal) => {
    const [failure] = await backend.delete([key], { signal })
    if (failure !== undefined) throw failure.error
  },
  now: (backend, signal) => backend.now({ signal }),
}

const writes = ["put", "put in chunks", "delete"]

// An error that nobody listens to fails the whole run, whichever test it comes from.
describe.each(Object.entries(clients))("%s", (_, newClient) => {
  let proxy: FaultProxy
  let backend: ObjectBackend

  beforeEach(async () => {
    const bucket = await newBucket()
    const direct = new GcsBackend({ client: newClient(inject("endpoint")), bucket })
    await direct.put(key, [bytes])
    await direct[Symbol.asyncDispose]()
    proxy = await startFaultProxy(inject("endpoint"))
    backend = new GcsBackend({ client: newClient(proxy.endpoint), bucket, chunkBytes })
  })

  afterEach(async () => {
    await backend[Symbol.asyncDispose]()
    await proxy.stop()
  })

  const aborting: [name: string, fault: Fault][] = [
    ["before the answer", { kind: "hang" }],
    ["after the server did it", { kind: "hang-after" }],
    ["within the answer", { kind: "hang-mid-answer", afterBytes: 20 }],
  ]
  for (const [phase, fault] of aborting) {
    test.each(Object.keys(calls))(
      `%s, aborted ${phase}: the signal's reason, and the connection is closed`,
      async (name) => {
        // The upload's session begins well; a chunk hangs.
        const skip = name === "put in chunks" ? 1 : 0
        proxy.inject({ when: () => true, fault, times: 1, skip })
        const reason = { reason: "given up" }
        const aborted = new AbortController()
        const call = calls[name]?.(backend, aborted.signal)
        const { index } = await proxy.seen(
          (request) => request.fault === fault && (fault.kind === "hang" || request.serverAnswered !== undefined),
        )
        aborted.abort(reason)
        await expect(call).rejects.toBe(reason)
        // The session is cancelled in the background.
        if (name === "put in chunks") await proxy.seen(({ method }) => method === "DELETE")
        await proxy.idle()
        const later = proxy.requests.slice(index + 1).map(({ method }) => method)
        expect(later).toEqual(name === "put in chunks" ? ["DELETE"] : [])
      },
    )
  }

  test("put, aborted while its body is sent: the connection is closed", async () => {
    const sockets: Socket[] = []
    const deaf = createServer({ pauseOnConnect: true }, (socket) => sockets.push(socket)).listen(0, "127.0.0.1")
    await new Promise((resolve) => deaf.once("listening", resolve))
    const { port } = deaf.address() as { port: number }
    const stuck = new GcsBackend({ client: newClient(`http://127.0.0.1:${port}`), bucket: "none" })
    const aborted = new AbortController()
    const connected = new Promise<Socket>((resolve) => deaf.once("connection", resolve))
    const call = stuck.put(key, [Buffer.alloc(8 * 1024 * 1024)], { signal: aborted.signal })
    const socket = await connected
    aborted.abort("given up")
    await expect(call).rejects.toBe("given up")
    const closed = new Promise((resolve) => socket.once("close", resolve))
    socket.on("error", () => {})
    socket.resume()
    await closed
    await new Promise((resolve) => deaf.close(resolve))
  })

  test("a body that is left early gives its connection back", async () => {
    proxy.inject({ when: () => true, fault: { kind: "endless-answer" }, times: 1 })
    const content = await backend.get(key)
    const iterator = content?.body[Symbol.asyncIterator]()
    await iterator?.next()
    await iterator?.return?.()
    await proxy.idle()
  })

  test("a body that was never read gives its connection back", async () => {
    proxy.inject({ when: () => true, fault: { kind: "hang-mid-answer", afterBytes: 1000 }, times: 1 })
    const content = await backend.get(key)
    await content?.body[Symbol.asyncIterator]().return?.()
    await proxy.idle()
  })

  const failing: [name: string, fault: Fault, write: string][] = [
    ["503", { kind: "status", status: 503, headers: { "retry-after": "2" } }, "ambiguous"],
    ["503 while the body is sent", { kind: "status", status: 503, early: true }, "ambiguous"],
    [
      "500 with HTML",
      { kind: "status", status: 500, headers: { "content-type": "text/html" }, body: "<p>" },
      "ambiguous",
    ],
    ["429", { kind: "status", status: 429 }, "transient"],
    ["408", { kind: "status", status: 408 }, "ambiguous"],
    ["a reset", { kind: "reset-before" }, "ambiguous"],
    ["a lost answer", { kind: "answer-lost" }, "ambiguous"],
    ["a reset within the answer", { kind: "reset-mid-answer", afterBytes: 20 }, "ambiguous"],
  ]
  for (const [what, fault, write] of failing) {
    test.each(Object.keys(calls))(`%s, with ${what}`, async (name) => {
      proxy.inject({ when: ({ method }) => method !== "DELETE" || name === "delete", fault })
      const error = await calls[name]?.(backend).then(
        () => undefined,
        (reason) => reason,
      )
      if (name === "delete" && fault.kind === "reset-mid-answer") {
        // Its answer has no body: it is complete with the status line, which arrived.
        if (error === undefined) return
      }
      expect(error).toBeInstanceOf(BackendError)
      // Nothing is written before the session's first chunk, but the error does not tell apart a failure to begin.
      expect(error).toMatchObject({ kind: writes.includes(name) ? write : "transient" })
      if (what === "503") expect(error).toMatchObject({ retryAfterMs: 2000 })
    })
  }

  const damaging: [name: string, fault: Fault][] = [
    ["ends early, with a length", { kind: "truncate", afterBytes: 500_000, framing: "length" }],
    ["ends early, chunked", { kind: "truncate", afterBytes: 500_000, framing: "chunked" }],
    ["ends early, without a length", { kind: "truncate", afterBytes: 500_000, framing: "close" }],
    ["is cut", { kind: "reset-mid-answer", afterBytes: 500_000 }],
    ["is compressed", { kind: "compress-answer" }],
    ["never ends", { kind: "endless-answer" }],
    ["has a wrong byte", { kind: "corrupt-answer", at: 700_000 }],
  ]
  test.each(damaging)("a download that %s is no success", async (_, fault) => {
    proxy.inject({ when: () => true, fault, times: 1 })
    await expect(read(backend)).rejects.toMatchObject({ kind: "transient" })
    expect(bytes.equals(await read(backend))).toBe(true)
  })

  test.each([
    ["put", "transient"],
    ["put in chunks", "precondition"],
  ])("%s of bytes that are damaged on the way is refused: %s", async (name, kind) => {
    // 300 lies behind the metadata of the first upload, and within the first chunk of the second.
    proxy.inject({
      when: ({ method, query }) => method === "PUT" || query.get("uploadType") === "multipart",
      fault: { kind: "corrupt-request", at: name === "put" ? 400 : 300 },
      times: 1,
    })
    const body = name === "put" ? [bytes.subarray(0, 1000)] : stream()
    await expect(putBody(backend, "new", body, { when: "absent" })).rejects.toMatchObject({ kind })
    expect(await backend.head("new")).toBeUndefined()
  })
})
