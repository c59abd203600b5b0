import { putBody } from "@ckpt/core/adapter"
import { startFaultProxy } from "@ckpt/fault-proxy"
import { expect, inject, test, vi } from "vitest"
import { GcsBackend } from "../src/index.js"
import { clients, newBucket } from "./storage.js"

// Only the FIPS switch is pretended. The server checks the checksum that is sent.
vi.mock("node:crypto", async (original) => ({ ...(await original<typeof import("node:crypto")>()), getFips: () => 1 }))

test.each(Object.entries(clients))("%s: CRC32C where MD5 is ruled out", async (_, newClient) => {
  const proxy = await startFaultProxy(inject("endpoint"))
  const backend = new GcsBackend({ client: newClient(proxy.endpoint), bucket: await newBucket(), chunkBytes: 262_144 })
  const bytes = Buffer.alloc(300_000, "some bytes ")
  await backend.put("short", [bytes.subarray(0, 1000)])
  await putBody(backend, "long", [bytes])
  expect(proxy.requests.at(-1)?.headers["x-goog-hash"]).toMatch(/^crc32c=/)
  const read = async () => {
    const chunks: Uint8Array[] = []
    for await (const chunk of (await backend.get("long"))?.body ?? []) chunks.push(chunk)
    return Buffer.concat(chunks)
  }
  expect(bytes.equals(await read())).toBe(true)
  proxy.inject({ when: () => true, fault: { kind: "corrupt-answer", at: 10 }, times: 1 })
  await expect(read()).rejects.toMatchObject({ kind: "transient", checksumMismatch: true })
  proxy.inject({ when: () => true, fault: { kind: "corrupt-request", at: 500 }, times: 1 })
  await expect(backend.put("short", [bytes.subarray(0, 1000)])).rejects.toMatchObject({ kind: "transient" })
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
})
