import type { ListRangeOptions } from "@ckpt/core"
import { startFaultProxy } from "@ckpt/fault-proxy"
import { describe, expect, inject, test } from "vitest"
import { GcsBackend } from "../src/index.js"
import { clients, newBucket } from "./storage.js"

describe.each(Object.entries(clients))("%s", (_, newClient) => {
  test("a range asks for no more than its limit, from its start, in one request", async () => {
    const bucket = await newBucket()
    const proxy = await startFaultProxy(inject("endpoint"))
    const backend = new GcsBackend({ client: newClient(proxy.endpoint), bucket })
    const keys = Array.from({ length: 8 }, (_, index) => `t/${index}`)
    for (const key of keys) await backend.put(key, [Buffer.from(key)])
    const asked = async (range: ListRangeOptions) => {
      proxy.resetCounts()
      const found: string[] = []
      for await (const { key } of backend.list("t/", range)) found.push(key)
      return [found, proxy.requests.map(({ query }) => [query.get("startOffset"), query.get("maxResults")])]
    }
    expect(await asked({ limit: 3 })).toEqual([keys.slice(0, 3), [[null, "3"]]])
    // The name of the start comes first, if it is there.
    expect(await asked({ after: "t/5", limit: 1 })).toEqual([["t/6"], [["t/5", "2"]]])
    expect(await asked({ after: "t/55", limit: 1 })).toEqual([["t/6"], [["t/55", "2"]]])
    expect(await asked({ after: "t/5" })).toEqual([keys.slice(6), [["t/5", null]]])
    await backend[Symbol.asyncDispose]()
    await proxy.stop()
  })
})
