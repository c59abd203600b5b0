import { createHash } from "node:crypto"
import { putBody, uploadInParts } from "@ckpt/core/adapter"
import type { ProxiedRequest } from "@ckpt/fault-proxy"
import { createGate } from "@ckpt/fault-proxy"
import { expect } from "vitest"
import { defaultChecksums, UploadMd5 } from "../src/checksum.js"
import { AzureBackend } from "../src/index.js"
import { partBytes } from "../src/upload.js"
import { azureAccount, bytesOf, failureOf, newContainer, openBackend, readAll, test, throughProxy } from "./storage.js"

const MiB = 1024 * 1024
const isStage = ({ query }: ProxiedRequest) => query.get("comp") === "block"
const isCommit = ({ query }: ProxiedRequest) => query.get("comp") === "blocklist"

async function* streamOf(...chunks: (string | Uint8Array)[]) {
  for (const chunk of chunks) yield typeof chunk === "string" ? bytesOf(chunk) : chunk
}

test("a crashed upload does not block a later small save of the same key", async () => {
  const container = await newContainer()
  // Another process staged a block, and was killed before it committed.
  const id = Buffer.from(`${"x".repeat(36)}000000000000`).toString("base64")
  await container.getBlockBlobClient("k").stageBlock(id, "left", 4)
  const { backend, proxy } = await throughProxy(container.containerName)
  expect(await backend.head("k")).toBeUndefined()
  const meta = await backend.put("k", [bytesOf("saved")], { when: "absent" })
  expect(await readAll(await backend.get("k", { ifVersion: meta.version }))).toBe("saved")
  expect((await failureOf(backend.put("k", [bytesOf("again")], { when: "absent" }))).kind).toBe("precondition")
  // An empty save too, which has no block to stage.
  await container.getBlockBlobClient("empty").stageBlock(id, "left", 4)
  expect((await backend.put("empty", [], { when: "absent" })).size).toBe(0)
  expect(await readAll(await backend.get("empty"))).toBe("")
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("an upload that is given up leaves blocks that nobody sees and nobody removes", async () => {
  const container = await newContainer()
  const backend = await openBackend(container.containerName)
  async function* breaking() {
    yield new Uint8Array(5 * MiB)
    throw new Error("the source broke")
  }
  await expect(putBody(backend, "k", breaking(), { when: "absent" })).rejects.toThrow("the source broke")
  expect(await backend.head("k")).toBeUndefined()
  for await (const { key } of backend.list("")) expect(key).toBe("no key")
  await uploadInParts(backend.parts, "k", streamOf("whole"), { when: "absent" })
  expect(await readAll(await backend.get("k"))).toBe("whole")
  // The commit dropped the blocks of the broken upload.
  expect((await container.getBlockBlobClient("k").getBlockList("uncommitted")).uncommittedBlocks ?? []).toHaveLength(0)
  await backend[Symbol.asyncDispose]()
  await container[Symbol.asyncDispose]()
})

test("two uploads of one key at once do not use each other's blocks", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  const slow = await throughProxy(container.containerName)
  const gate = createGate()
  slow.proxy.inject({ when: isCommit, fault: { kind: "hold", until: gate } })
  const losing = failureOf(uploadInParts(slow.backend.parts, "k", streamOf("loser"), { when: "absent" }))
  await gate.reached
  await uploadInParts(backend.parts, "k", streamOf("winner"), { when: "absent" })
  gate.release()
  expect((await losing).kind).toBe("precondition")
  expect(await readAll(await backend.get("k"))).toBe("winner")
  const ids = [...proxy.requests, ...slow.proxy.requests].filter(isStage).map(({ query }) => query.get("blockid"))
  expect(new Set(ids).size).toBe(2)
  expect(new Set(ids.map((id) => id?.length)).size).toBe(1)
  for (const one of [backend, slow.backend]) await one[Symbol.asyncDispose]()
  for (const one of [proxy, slow.proxy]) await one.stop()
  await container[Symbol.asyncDispose]()
})

test("blocks that another write dropped: another's version is told as such, otherwise it may be tried again", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  const other = container.getBlockBlobClient("k")
  const { version } = await backend.put("k", [bytesOf("first")])
  const losesTo = async (when: "absent" | { version: string } | undefined, meanwhile: () => Promise<unknown>) => {
    const gate = createGate()
    proxy.clear()
    proxy.inject({ when: isCommit, fault: { kind: "hold", until: gate } })
    const failing = failureOf(uploadInParts(backend.parts, "k", streamOf("late"), { when }))
    await gate.reached
    await meanwhile()
    gate.release()
    return (await failing).kind
  }
  expect(await losesTo({ version }, () => other.upload("other", 5))).toBe("precondition")
  await other.delete()
  // The key was written and deleted again, so our blocks are gone, and the other write too. Azurite drops blocks only
  // at a commit.
  const passing = async () => {
    await other.commitBlockList([])
    await other.delete()
  }
  expect(await losesTo("absent", passing)).toBe("transient")
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("a commit whose answer was lost is found done by its next try", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  proxy.inject({ when: isCommit, fault: { kind: "answer-lost" }, times: 1 })
  const kinds: string[] = []
  const attempt = async <T>(one: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const { signal } = new AbortController()
    try {
      return await one(signal)
    } catch (error) {
      kinds.push((error as { kind: string }).kind)
      return one(signal)
    }
  }
  const error = await failureOf(uploadInParts(backend.parts, "k", streamOf("ours"), { when: "absent", attempt }))
  expect([...kinds, error.kind]).toEqual(["ambiguous", "precondition"])
  expect(await readAll(await backend.get("k"))).toBe("ours")
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("a key that holds another kind of blob is taken", async () => {
  const container = await newContainer()
  const backend = await openBackend(container.containerName)
  await container.getAppendBlobClient("k").create()
  for (const inParts of [false, true]) {
    const put = inParts ? uploadInParts.bind(undefined, backend.parts) : putBody.bind(undefined, backend)
    const error = await failureOf(put("k", [bytesOf("x")], { when: "absent" }))
    expect(error.kind).toBe("precondition")
  }
  await backend[Symbol.asyncDispose]()
  await container[Symbol.asyncDispose]()
})

test("what is sent is verified by the server, and stored with its MD5 where it is read in one body", async () => {
  const container = await newContainer()
  const { backend, proxy } = await throughProxy(container.containerName)
  const large = Buffer.alloc(8 * MiB, "checkpoint")
  await backend.put("small", [bytesOf("small")])
  await putBody(backend, "large", streamOf(large.subarray(0, 5 * MiB + 1), large.subarray(5 * MiB + 1)))
  await putBody(backend, "in ranges", streamOf(large, bytesOf("and more")))
  const storedMd5 = async (key: string) => (await container.getBlobClient(key).getProperties()).contentMD5
  for (const [key, bytes] of [
    ["small", bytesOf("small")],
    ["large", large],
  ] as const) {
    expect(Buffer.from((await storedMd5(key)) ?? []).toString("hex")).toBe(
      createHash("md5").update(bytes).digest("hex"),
    )
  }
  expect(await storedMd5("in ranges")).toBeUndefined()
  expect(proxy.requests.filter(isStage)).toHaveLength(2 + 3)
  proxy.inject({ when: ({ method }) => method === "PUT", fault: { kind: "corrupt-request", at: 3 } })
  for (const inParts of [false, true]) {
    const put = inParts ? uploadInParts.bind(undefined, backend.parts) : putBody.bind(undefined, backend)
    const error = await failureOf(put("damaged", [bytesOf("damaged")]))
    expect(error.kind).toBe("transient")
  }
  expect(await backend.head("damaged")).toBeUndefined()
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("50,000 blocks hold 1.18 TiB, and no block is longer than the service takes", () => {
  let size = 0
  for (let index = 0; index < 50_000; index++) size += partBytes(index)
  expect(size / 1024 ** 4).toBeCloseTo(1.18, 2)
  expect(partBytes(0)).toBe(4 * MiB)
  expect(partBytes(49_999)).toBe(64 * MiB)
})

test("an upload of up to two parts has an MD5, whichever of them is sent again; a longer one has none", () => {
  const [first, second] = [bytesOf("first"), bytesOf("second")]
  const md5Of = (...parts: Uint8Array[]) => createHash("md5").update(Buffer.concat(parts)).digest()
  const one = new UploadMd5()
  expect(one.part(0, first, true)).toEqual(md5Of(first))
  expect(one.whole).toEqual(md5Of(first))
  const two = new UploadMd5()
  expect(two.part(0, first, false)).toEqual(md5Of(first))
  expect(two.whole).toBeUndefined()
  for (const _ of [1, 2]) {
    expect(two.part(1, second, true)).toEqual(md5Of(second))
    expect(two.part(0, first, false)).toEqual(md5Of(first))
    expect(two.whole).toEqual(md5Of(first, second))
  }
  const three = new UploadMd5()
  for (const [index, part] of [first, second, first].entries()) {
    expect(three.part(index, part, index === 2)).toEqual(md5Of(part))
  }
  expect(three.whole).toBeUndefined()
})

test("without checksums of blocks: none is sent with one or asked for, and what goes in one request keeps its own", async () => {
  const container = await newContainer()
  const { backend: checked, proxy } = await throughProxy(container.containerName)
  const client = container.getBlockBlobClient("k").url.replace(new URL(container.url).origin, proxy.endpoint)
  const { ContainerClient, StorageSharedKeyCredential } = await import("@azure/storage-blob")
  const { accountName, accountKey } = azureAccount()
  const through = new ContainerClient(
    client.slice(0, client.lastIndexOf("/")),
    new StorageSharedKeyCredential(accountName, accountKey),
  )
  const backend = new AzureBackend(through, { transactionalChecksums: "none" })
  const large = Buffer.alloc(5 * MiB, "checkpoint")
  const hasMd5 = ({ headers }: ProxiedRequest) => headers["content-md5"] !== undefined
  for (const [to, blocks] of [
    [backend, false],
    [checked, true],
  ] as const) {
    proxy.resetCounts()
    await putBody(to, "k", streamOf(large))
    await to.put("small", [bytesOf("small")])
    const stages = proxy.requests.filter(isStage)
    expect(stages.map(hasMd5)).toEqual([blocks, blocks])
    expect(proxy.requests.at(-1)?.headers["content-md5"]).toBeDefined()
    proxy.resetCounts()
    expect(await readAll(await to.get("k", { range: { offset: 10, length: 10 } }))).toBe(large.toString("utf8", 10, 20))
    expect(proxy.requests[0]?.headers["x-ms-range-get-content-md5"]).toBe(blocks ? "true" : undefined)
  }
  await checked[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})

test("over https blocks have no checksum unless it is asked for; over http they have", () => {
  expect(defaultChecksums("https://account.blob.core.windows.net/c")).toBe("none")
  expect(defaultChecksums("http://127.0.0.1:10000/account/c")).toBe("md5")
})
