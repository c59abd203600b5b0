import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { putBody, uploadInParts } from "@ckpt/core/adapter"
import type { FaultProxy, Rule } from "@ckpt/fault-proxy"
import { describe, expect } from "vitest"
import type { AzureBackend } from "../src/index.js"
import { startRelay } from "./relay.js"
import { azureAccount, bytesOf, connectionStringAt, newContainer, openBackend, test, throughProxy } from "./storage.js"

type Call = (backend: AzureBackend, signal: AbortSignal) => Promise<unknown>

const calls: Record<string, Call> = {
  put: (backend, signal) => backend.put("k", [bytesOf("x")], { when: "absent", signal }),
  "put in parts": (backend, signal) => uploadInParts(backend.parts, "k", [bytesOf("x")], { signal }),
  get: (backend, signal) => backend.get("k", { signal }),
  head: (backend, signal) => backend.head("k", { signal }),
  list: async (backend, signal) => {
    for await (const _ of backend.list("", { signal }));
  },
  "delete of one": (backend, signal) => backend.delete(["k"], { signal }),
  "delete of several": (backend, signal) => backend.delete(["k", "l"], { signal }),
  now: (backend, signal) => backend.now({ signal }),
}

const reason = new Error("enough")

async function abortedBy(call: Promise<unknown>, controller: AbortController): Promise<void> {
  const failure = call.then(
    () => "it resolved",
    (error: unknown) => error,
  )
  controller.abort(reason)
  expect(await failure).toBe(reason)
}

describe.each(Object.keys(calls))("%s", (name) => {
  const call = calls[name]!

  test("aborted while it waits for the answer", async () => {
    const { backend, proxy } = await throughProxy("some-container")
    proxy.inject({ when: () => true, fault: { kind: "hang" } })
    const controller = new AbortController()
    const calling = call(backend, controller.signal)
    await proxy.seen(({ fault }) => fault !== undefined)
    await abortedBy(calling, controller)
    // The proxy is idle only after the client has closed its side.
    await proxy.idle()
    expect(proxy.requests).toHaveLength(1)
    await backend[Symbol.asyncDispose]()
    await proxy.stop()
  })

  test("aborted while it connects", async () => {
    // The server takes connections into its backlog. The event loop gets no turn before the abort.
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const backend = await openBackend(
      "some-container",
      connectionStringAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    )
    const controller = new AbortController()
    await abortedBy(call(backend, controller.signal), controller)
    await backend[Symbol.asyncDispose]()
    server.close()
    await once(server, "close")
  })
})

test("put, aborted while its body is sent", async () => {
  const relay = await startRelay(azureAccount().blobEndpoint)
  relay.hold()
  const backend = await openBackend("some-container", connectionStringAt(relay.endpoint))
  for (const inParts of [false, true]) {
    const before = relay.opened
    const controller = new AbortController()
    const put = inParts ? uploadInParts.bind(undefined, backend.parts) : putBody.bind(undefined, backend)
    const putting = put("k", [new Uint8Array(4_000_000)], { signal: controller.signal })
    putting.catch(() => {})
    await until(() => relay.opened > before)
    await abortedBy(putting, controller)
    await relay.allClosed()
  }
  await backend[Symbol.asyncDispose]()
  await relay.stop()
})

async function reading(
  proxy: FaultProxy,
  backend: AzureBackend,
  signal: AbortSignal,
): Promise<AsyncIterator<Uint8Array>> {
  const rule: Rule = { when: ({ method }) => method === "GET", fault: { kind: "hang-mid-answer", afterBytes: 100_000 } }
  proxy.inject(rule)
  const content = await backend.get("k", { signal })
  return content!.body[Symbol.asyncIterator]()
}

test("get, aborted while its body is read", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  await backend.put("k", [new Uint8Array(1_000_000)])
  const controller = new AbortController()
  const body = await reading(proxy, backend, controller.signal)
  await body.next()
  const rest = (async () => {
    while (!(await body.next()).done);
  })()
  await abortedBy(rest, controller)
  await proxy.idle()
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("get, given up before or while its body is read, closes its socket", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  await backend.put("k", [new Uint8Array(1_000_000)])
  for (const started of [false, true]) {
    const body = await reading(proxy, backend, new AbortController().signal)
    if (started) await body.next()
    await body.return?.()
    await proxy.idle()
  }
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("an answer without a length is refused, and its socket closed", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  await backend.put("k", [new Uint8Array(1_000_000)])
  proxy.inject({ when: ({ method }) => method === "GET", fault: { kind: "endless-answer" }, times: 1 })
  await expect(backend.get("k")).rejects.toMatchObject({ kind: "transient" })
  await proxy.idle()
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

/** Counts turns of the event loop, not time. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
