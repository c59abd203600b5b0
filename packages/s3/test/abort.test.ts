import { once } from "node:events"
import { createServer, type Server, type Socket } from "node:net"
import { uploadInParts } from "@ckpt/core/adapter"
import { type Fault, type FaultProxy, startFaultProxy } from "@ckpt/fault-proxy"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { S3Backend } from "../src/index.js"
import { hasServer, newBucket, partBytes, serverClient, serverOptions } from "./storage.js"

const bytes = new Uint8Array(partBytes + 1)

/** Every operation with a signal. */
function calls(backend: S3Backend, signal: AbortSignal): [string, () => Promise<unknown>][] {
  return [
    ["put", () => backend.put("new", [new Uint8Array(1)], { signal })],
    ["put in parts", () => uploadInParts(backend.parts, "new", [bytes], { signal })],
    ["get", () => backend.get("k", { signal })],
    ["head", () => backend.head("k", { signal })],
    ["list", () => backend.list("", { signal }).next()],
    ["delete", () => backend.delete(["k"], { signal })],
    ["now", () => backend.now({ signal })],
    ["leftovers", () => backend.leftovers({ olderThanMs: 0, prefix: "", signal })],
  ]
}
const names = calls(undefined as never, undefined as never).map(([name]) => name)

async function abortedWith(reason: unknown, call: Promise<unknown>): Promise<void> {
  const end = await call.then(
    () => "it resolved",
    (error) => error,
  )
  // The same object, not an equal one.
  expect(end === reason, `rejected with ${end}`).toBe(true)
}

describe.runIf(hasServer)("an abort ends the request and closes its connection", () => {
  let proxy: FaultProxy
  let backend: S3Backend
  beforeEach(async () => {
    proxy = await startFaultProxy(serverOptions().endpoint)
    const client = serverClient({ endpoint: proxy.endpoint })
    backend = new S3Backend({ client, bucket: await newBucket(), partBytes, ownsClient: true })
    await backend.put("k", [bytes])
    proxy.resetCounts()
  })
  afterEach(async () => {
    await backend[Symbol.asyncDispose]()
    await proxy.stop()
  })

  async function abortOn(name: string, fault: Fault, when: (method: string) => boolean = () => true) {
    proxy.inject({ when: ({ method }) => when(method), fault, times: 1 })
    const aborting = new AbortController()
    const call = calls(backend, aborting.signal).find(([each]) => each === name)?.[1]()
    const reason = new Error("given up")
    const ended = abortedWith(reason, call as Promise<unknown>)
    await proxy.seen((request) => request.fault !== undefined)
    aborting.abort(reason)
    await ended
    // Resolves only when the client has let go of its connection.
    await proxy.idle()
  }

  test.each(names)("%s, while it waits for the answer", (name) => abortOn(name, { kind: "hang" }))

  test.each(names)("%s, while the answer is on its way", (name) =>
    // The answer to a put has only headers, which arrive or do not.
    abortOn(
      name,
      name === "put" || name === "head" ? { kind: "hang-after" } : { kind: "hang-mid-answer", afterBytes: 0 },
      (method) =>
        // The request that gives an upload up is not to be aborted.
        method !== "DELETE",
    ).catch((error) => {
      throw new Error(`${name}: ${error.message}`)
    }),
  )

  test("a part, while its body is sent", async () => {
    proxy.inject({ when: ({ method }) => method === "PUT", fault: { kind: "trickle", bytesPerSecond: 2_000_000 } })
    const aborting = new AbortController()
    const reason = new Error("given up")
    const ended = abortedWith(reason, uploadInParts(backend.parts, "new", [bytes], { signal: aborting.signal }))
    // At this rate the body is under way for seconds.
    await proxy.seen(({ fault }) => fault !== undefined)
    aborting.abort(reason)
    await ended
    await proxy.idle()
    // The upload was given up too: nothing is left.
    expect(await backend.leftovers({ olderThanMs: -60_000, prefix: "" })).toEqual([])
  })

  test("a body that stands still while it is read", async () => {
    proxy.inject({ when: ({ method }) => method === "GET", fault: { kind: "hang-mid-answer", afterBytes: 100_000 } })
    const aborting = new AbortController()
    const reason = new Error("given up")
    const content = await backend.get("k", { signal: aborting.signal })
    const iterator = content?.body[Symbol.asyncIterator]()
    await iterator?.next()
    const reading = async () => {
      while (!(await iterator?.next())?.done);
    }
    const ended = abortedWith(reason, reading())
    aborting.abort(reason)
    await ended
    await proxy.idle()
  })

  test.each(["before", "after"])("a body that nobody has begun to read, aborted %s it breaks", async (when) => {
    proxy.inject({ when: ({ method }) => method === "GET", fault: { kind: "reset-mid-answer", afterBytes: 100_000 } })
    const aborting = new AbortController()
    if (when === "before") aborting.abort()
    const content = backend.get("k", { signal: aborting.signal })
    await (when === "before" ? expect(content).rejects.toBe(aborting.signal.reason) : content)
    aborting.abort()
    await proxy.idle()
  })
})

describe("an abort before there is a connection", () => {
  let server: Server
  const sockets = new Set<Socket>()
  beforeEach(async () => {
    // The server takes connections and sends nothing, so TLS is never agreed on.
    server = createServer((socket) => {
      sockets.add(socket.on("error", () => {}).once("close", () => sockets.delete(socket)))
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
  })
  afterEach(() => server.close())

  test("while TLS is agreed on: the connection is closed", async () => {
    const { port } = server.address() as { port: number }
    const client = serverClient({ endpoint: `https://127.0.0.1:${port}` })
    const backend = new S3Backend({ client, bucket: "jobs" })
    for (const name of names) {
      const aborting = new AbortController()
      const reason = new Error("given up")
      const connected = once(server, "connection") as Promise<[Socket]>
      const ended = abortedWith(
        reason,
        calls(backend, aborting.signal).find(([each]) => each === name)?.[1]() as Promise<unknown>,
      )
      const [socket] = await connected
      const closed = once(socket, "close")
      aborting.abort(reason)
      await ended
      await closed
    }
    expect(sockets.size).toBe(0)
    client.destroy()
  })

  test("while the SDK looks for credentials: at once, and nothing is sent afterwards", async () => {
    const { port } = server.address() as { port: number }
    let give = (_: { accessKeyId: string; secretAccessKey: string }) => {}
    const credentials = () =>
      new Promise<{ accessKeyId: string; secretAccessKey: string }>((resolve) => {
        give = resolve
      })
    const client = serverClient({ endpoint: `http://127.0.0.1:${port}`, credentials })
    const backend = new S3Backend({ client, bucket: "jobs" })
    const aborting = new AbortController()
    const reason = new Error("given up")
    const ended = Promise.all(calls(backend, aborting.signal).map(([, call]) => abortedWith(reason, call())))
    setImmediate(() => aborting.abort(reason))
    await ended
    give({ accessKeyId: "a", secretAccessKey: "b" })
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    expect(sockets.size).toBe(0)
    client.destroy()
  })
})
