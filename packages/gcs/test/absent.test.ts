import { createManifest, type ObjectBackend } from "@ckpt/core"
import { type Fault, type FaultProxy, startFaultProxy } from "@ckpt/fault-proxy"
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest"
import { GcsBackend, openGcsStore } from "../src/index.js"
import { clients, newBucket } from "./storage.js"

const newClient = clients["@google-cloud/storage 7"]
const status = (body: string, more: object = {}): Fault => ({ kind: "status", status: 404, body, ...more })

let proxy: FaultProxy
let bucket: string
beforeEach(async () => {
  proxy = await startFaultProxy(inject("endpoint"))
  bucket = await newBucket()
})
afterEach(() => proxy.stop())

/** Answers that the service gave, and that did not arrive whole. */
const damaged: [name: string, fault: Fault][] = [
  ["whole", { kind: "duplicate" }],
  ["compressed on its way", { kind: "compress-answer" }],
  ["with a wrong byte", { kind: "corrupt-answer", at: 5 }],
  ...[1, 5, 50, 150].flatMap((afterBytes) =>
    (["length", "chunked", "close"] as const).map((framing): [string, Fault] => [
      `cut after ${afterBytes} bytes (${framing})`,
      { kind: "truncate", afterBytes, framing },
    ]),
  ),
]

describe("a delete whose answer was lost is made again, and absent is success", () => {
  const isDelete = ({ method }: { method: string }) => method === "DELETE"

  test.each(damaged)("the 404 arrives %s", async (_, second) => {
    const store = await openGcsStore({ client: newClient(proxy.endpoint), bucket, retry: { minDelayMs: 0 } })
    let id = 0
    for (const first of [{ kind: "answer-lost" }, { kind: "status", status: 503, applied: true }] as const) {
      for (const more of [1, 2]) await store.save(createManifest({ checkpointId: id + more, epoch: 1 }))
      id += 2
      proxy.inject({ when: isDelete, fault: first, times: 1 }, { when: isDelete, fault: second, times: 1 })
      expect(await store.prune({ last: 1 })).toMatchObject({ failures: [] })
      expect(await store.ids()).toEqual([id])
      proxy.clear()
    }
    await store.close()
  })
})

describe("the service's 404 is told apart from a proxy's by its body", () => {
  let backend: ObjectBackend
  beforeEach(async () => {
    backend = new GcsBackend({ client: newClient(proxy.endpoint), bucket })
    await backend.put("k", [Buffer.from("x")])
  })
  afterEach(() => backend[Symbol.asyncDispose]())

  test.each([
    ["nothing", ""],
    ["HTML", "<html><body>Not Found</body></html>"],
    ["text", "404 page not found"],
    ["another program's JSON", '{"message":"no route"}'],
    [
      "a missing bucket",
      '{"error":{"code":404,"message":"The specified bucket does not exist.","errors":[{"reason":"notFound"}]}}',
    ],
  ])("%s: nothing is taken for absent", async (_, body) => {
    proxy.inject({ when: () => true, fault: status(body) })
    expect(await backend.delete(["k"])).toMatchObject([{ key: "k" }])
    await expect(backend.head("k")).rejects.toThrow("404")
    await expect(backend.get("k")).rejects.toThrow("404")
  })

  // In plain text, the answer to a download, a wrong byte cannot be told from another's words.
  test.each(damaged.slice(1).filter(([, { kind }]) => kind !== "corrupt-answer"))(
    "a look at an absent object, answered %s, is absent or may be tried again",
    async (_, fault) => {
      for (const call of [() => backend.head("absent"), () => backend.get("absent")]) {
        proxy.inject({ when: () => true, fault, times: 1 })
        const seen = await call().catch(({ kind }) => kind)
        expect([undefined, "transient"]).toContain(seen)
        expect(await call()).toBeUndefined()
      }
    },
  )
})
