import type { ListRangeOptions, ObjectBackend } from "@ckpt/core"
import { expect } from "vitest"
import { bytesOf, newContainer, openBackend, test, throughProxy } from "./storage.js"

async function keysOf(backend: ObjectBackend, prefix: string, range: ListRangeOptions): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of backend.list(prefix, range)) keys.push(key)
  return keys
}

test("a range asks for no more than its limit, from its start", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  const keys = Array.from({ length: 8 }, (_, index) => `t/${index}`)
  for (const key of keys) await backend.put(key, [bytesOf(key)])
  const asked = async (range: ListRangeOptions) => {
    proxy.resetCounts()
    const found = await keysOf(backend, "t/", range)
    const requests = proxy.requests.map(({ query }) => [query.get("startFrom"), query.get("maxresults")])
    return { found, requests }
  }
  expect(await asked({ limit: 3 })).toEqual({ found: keys.slice(0, 3), requests: [[null, "3"]] })
  // The name of the start comes first. The emulator does not know it, and begins at the first name: from its second page on, a page is
  // of the usual size.
  expect(await asked({ after: "t/5", limit: 1 })).toEqual({
    found: ["t/6"],
    requests: [
      ["t/5", "2"],
      ["t/5", "1000"],
    ],
  })
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("in a hierarchical namespace, where folders come before names that begin alike, a range is in order", async () => {
  const container = await newContainer()
  const backend = await openBackend(container.containerName)
  // Such a blob is listed by an account with a hierarchical namespace, which azurite does not have.
  await container.getBlockBlobClient("t").upload("", 0, { metadata: { hdi_isfolder: "true" } })
  for (const key of ["s", "t-1", "t/1", "t0"]) await backend.put(key, [bytesOf(key)])
  const ordered = ["s", "t-1", "t/", "t/1", "t0"]
  for (let limit = 1; limit <= 6; limit++) {
    const fresh = await openBackend(container.containerName)
    expect(await keysOf(fresh, "", { limit })).toEqual(ordered.slice(0, limit))
    // Once it is known.
    expect(await keysOf(fresh, "", { after: "s", limit })).toEqual(ordered.slice(1, 1 + limit))
    await fresh[Symbol.asyncDispose]()
  }
  await backend[Symbol.asyncDispose]()
  await container[Symbol.asyncDispose]()
})
