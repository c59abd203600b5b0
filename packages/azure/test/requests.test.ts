import { uploadInParts } from "@ckpt/core/adapter"
import type { Fault } from "@ckpt/fault-proxy"
import { expect } from "vitest"
import type { AzureBackend, BackendErrorKind } from "../src/index.js"
import { bytesOf, failureOf, newContainer, test, throughProxy } from "./storage.js"

const reads: Record<string, (backend: AzureBackend) => Promise<unknown>> = {
  get: (backend) => backend.get("k"),
  head: (backend) => backend.head("k"),
  now: (backend) => backend.now(),
  list: async (backend) => {
    for await (const _ of backend.list(""));
  },
}
const writes: Record<string, (backend: AzureBackend) => Promise<unknown>> = {
  put: (backend) => backend.put("k", [bytesOf("x")]),
  "put in parts": (backend) => uploadInParts(backend.parts, "k", [bytesOf("x")]),
  "delete of one": async (backend) => {
    const [failure] = await backend.delete(["k"])
    if (failure) throw failure.error
  },
  "delete of several": (backend) => backend.delete(["k", "l"]),
}
const faults: [what: string, fault: Fault, read: BackendErrorKind, write: BackendErrorKind, retryAfterMs?: number][] = [
  ["503", { kind: "status", status: 503, headers: { "retry-after": "7" } }, "transient", "ambiguous", 7_000],
  ["500", { kind: "status", status: 500 }, "transient", "ambiguous"],
  ["429", { kind: "status", status: 429, headers: { "retry-after": "7" } }, "transient", "transient", 7_000],
  ["a reset", { kind: "reset-before" }, "transient", "ambiguous"],
  ["a lost answer", { kind: "answer-lost" }, "transient", "ambiguous"],
]

test.each(faults)("%s: the SDK makes one request, and core is told", async (_, fault, read, write, retryAfterMs) => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  await backend.put("k", [bytesOf("x")])
  proxy.inject({ when: () => true, fault })
  for (const [calls, kind] of [
    [reads, read],
    [writes, write],
  ] as const) {
    for (const [name, call] of Object.entries(calls)) {
      proxy.resetCounts()
      const error = await failureOf(call(backend))
      expect([name, error.kind, error.retryAfterMs]).toEqual([name, kind, retryAfterMs])
      expect([name, proxy.requests.length]).toEqual([name, 1])
    }
  }
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("256 keys are one request; a batch that is refused is deleted one by one", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  const keys = Array.from({ length: 256 }, (_, index) => `k-${index}`)
  for (const key of keys.slice(0, 20)) await backend.put(key, [bytesOf("x")])
  proxy.resetCounts()
  expect(await backend.delete(keys)).toEqual([])
  expect(proxy.requests).toHaveLength(1)
  const listed = []
  for await (const meta of backend.list("")) listed.push(meta)
  expect(listed).toEqual([])
  await backend.put("k-0", [bytesOf("x")])
  const headers = { "x-ms-error-code": "FeatureNotSupported" }
  proxy.inject({ when: ({ method }) => method === "POST", fault: { kind: "status", status: 400, headers } })
  expect(await backend.delete(keys.slice(0, 20))).toEqual([])
  expect(await backend.head("k-0")).toBeUndefined()
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("an answer to a batch that cannot be read is no success", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  for (const key of ["a", "b", "c"]) await backend.put(key, [bytesOf("x")])
  const cut = ({ body }: { body: Buffer }) => body.subarray(0, body.length / 2)
  proxy.inject({ when: ({ method }) => method === "POST", fault: { kind: "replace-answer", body: cut }, times: 1 })
  expect((await failureOf(backend.delete(["a", "b", "c"]))).kind).toBe("ambiguous")
  expect(await backend.delete(["a", "b", "c"])).toEqual([])
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})
