import { createHash } from "node:crypto"
import { gzipSync } from "node:zlib"
import { expect } from "vitest"
import { bytesOf, failureOf, newContainer, openBackend, readAll, test, throughProxy } from "./storage.js"

test("what is read is verified, whole and in ranges up to 4 MiB", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  await backend.put("k", [new Uint8Array(100_000)])
  proxy.inject({ when: ({ method }) => method === "GET", fault: { kind: "corrupt-answer", at: 60_000 } })
  for (const range of [undefined, { offset: 10, length: 90_000 }]) {
    const error = await failureOf(backend.get("k", { range }).then(readAll))
    expect(error.kind).toBe("transient")
    expect(error.checksumMismatch).toBe(true)
  }
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("an answer that ends early, or is compressed on its way, is asked for once and refused", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  await backend.put("k", [new Uint8Array(100_000)])
  const faults = [
    { kind: "truncate", afterBytes: 50_000, framing: "length" },
    { kind: "truncate", afterBytes: 50_000, framing: "chunked" },
    { kind: "truncate", afterBytes: 50_000, framing: "close" },
    { kind: "reset-mid-answer", afterBytes: 50_000 },
    { kind: "compress-answer" },
  ] as const
  for (const fault of faults) {
    proxy.clear()
    proxy.resetCounts()
    proxy.inject({ when: ({ method }) => method === "GET", fault })
    for (const range of [undefined, { offset: 10, length: 90_000 }]) {
      const error = await failureOf(backend.get("k", { range }).then(readAll))
      expect(error.kind).toBe("transient")
    }
    expect(proxy.requests).toHaveLength(2)
    await proxy.idle()
  }
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("a weak ETag, as a proxy that compresses makes it, is one version with the strong one", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  const { version } = await backend.put("k", [bytesOf("1")])
  const headers = { etag: `W/"${version}"` }
  const read = { kind: "replace-answer", headers, body: ({ body }: { body: Buffer }) => body } as const
  proxy.inject({ when: ({ method }) => method === "GET" || method === "HEAD", fault: read, times: 2 })
  expect((await backend.get("k"))?.meta.version).toBe(version)
  expect((await backend.head("k"))?.version).toBe(version)
  await backend.put("k", [bytesOf("2")], { when: { version } })
  await proxy.idle()
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("an answer without the range that was asked for is refused", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  await backend.put("k", [bytesOf("0123456789")])
  const headers = { "content-range": undefined, "content-md5": undefined }
  proxy.inject({ when: () => true, fault: { kind: "replace-answer", status: 200, headers, body: "0123456789" } })
  const error = await failureOf(backend.get("k", { range: { offset: 2, length: 3 } }))
  expect(error.kind).toBe("transient")
  expect(error.message).toMatch(/bytes=2-4 of k was answered with no range/)
  await proxy.idle()
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("a blob that somebody stored compressed is read as it is", async () => {
  const container = await newContainer()
  const backend = await openBackend(container.containerName)
  const bytes = gzipSync("content")
  await container.getBlockBlobClient("k").upload(bytes, bytes.length, {
    blobHTTPHeaders: { blobContentEncoding: "gzip", blobContentMD5: createHash("md5").update(bytes).digest() },
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of (await backend.get("k"))!.body) chunks.push(chunk)
  expect(Buffer.concat(chunks)).toEqual(bytes)
  await backend[Symbol.asyncDispose]()
  await container[Symbol.asyncDispose]()
})

test("a directory of a hierarchical namespace is a name that is taken", async () => {
  const container = await newContainer()
  const backend = await openBackend(container.containerName)
  // Such a blob is listed by an account with a hierarchical namespace, which azurite does not have.
  await container.getBlockBlobClient("a/folder").upload("", 0, { metadata: { hdi_isfolder: "true" } })
  await backend.put("a/folder/k", [bytesOf("x")])
  const keys: string[] = []
  for await (const { key } of backend.list("a/")) keys.push(key)
  expect(keys.sort()).toEqual(["a/folder/", "a/folder/k"])
  for (const call of [backend.head("a/folder"), backend.get("a/folder")]) {
    expect((await failureOf(call)).kind).toBe("damaged")
  }
  await backend[Symbol.asyncDispose]()
  await container[Symbol.asyncDispose]()
})
