import { randomUUID } from "node:crypto"
import { BlobServiceClient, type RestError, StorageSharedKeyCredential } from "@azure/storage-blob"
import { beforeAll, describe, expect, inject, test } from "vitest"
import { startAzureServer } from "../src/index.js"

const server = inject("azure")

const status = (action: Promise<unknown>): Promise<number | undefined> =>
  action.then(
    () => 200,
    (error) => (error as RestError).statusCode,
  )

// Left out only where azurite is not installed; with CI=true its start fails instead.
describe.skipIf(server === undefined)("Azure", () => {
  const service = BlobServiceClient.fromConnectionString(server!.connectionString)
  const container = service.getContainerClient(`ckpt-${randomUUID()}`)

  beforeAll(async () => void (await container.create()))

  const put = (key: string, body: string, conditions: { ifNoneMatch?: "*"; ifMatch?: string } = {}) =>
    container.getBlockBlobClient(key).upload(body, Buffer.byteLength(body), { conditions })
  const text = async (key: string, offset?: number, count?: number): Promise<string> =>
    (await container.getBlobClient(key).downloadToBuffer(offset, count)).toString()

  test("its parts name the same account as its connection string", async () => {
    const credential = new StorageSharedKeyCredential(server!.accountName, server!.accountKey)
    const same = new BlobServiceClient(server!.blobEndpoint, credential)
    expect(await same.getContainerClient(container.containerName).exists()).toBe(true)
  })

  test("of 32 that create one blob at once, one wins", async () => {
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, n) => status(put("race", `writer ${n}`, { ifNoneMatch: "*" }))),
    )
    expect(answers.filter((answer) => answer === 200)).toHaveLength(1)
    expect(answers.filter((answer) => answer !== 200).every((answer) => answer === 409 || answer === 412)).toBe(true)
    expect(await text("race")).toBe(`writer ${answers.indexOf(200)}`)
  })

  test("replaces only the version that is named", async () => {
    const first = await put("swap", "1")
    await put("swap", "2", { ifMatch: first.etag! })
    expect(await status(put("swap", "3", { ifMatch: first.etag! }))).toBe(412)
    expect(await text("swap")).toBe("2")
  })

  test("holds the conditions of blocks that are put together", async () => {
    const commit = async (conditions: { ifNoneMatch?: "*"; ifMatch?: string }) => {
      const blob = container.getBlockBlobClient("blocks")
      const block = Buffer.from("block").toString("base64")
      await blob.stageBlock(block, "staged", 6)
      return blob.commitBlockList([block], { conditions })
    }
    const { etag } = await put("blocks", "1")
    expect([409, 412]).toContain(await status(commit({ ifNoneMatch: "*" })))
    expect(await text("blocks")).toBe("1")
    expect(await status(commit({ ifMatch: etag! }))).toBe(200)
    expect(await status(commit({ ifMatch: etag! }))).toBe(412)
    expect(await text("blocks")).toBe("staged")
  })

  test("reads a range and refuses one beyond the end", async () => {
    await put("range", "0123456789")
    expect(await text("range", 2, 3)).toBe("234")
    // For a range that starts at the end, azurite answers 206 and no bytes; the service answers 416.
    expect(await status(container.getBlobClient("range").download(11))).toBe(416)
  })

  test.skipIf(process.env["CKPT_TEST_AZURE_CONNECTION_STRING"])("keeps a connection that is idle open", async () => {
    const { headers } = await fetch(server!.blobEndpoint)
    expect(headers.get("keep-alive")).toBe("timeout=600")
  })

  test("lists in order, by prefix", async () => {
    const keys = Array.from({ length: 25 }, (_, n) => `list/${String(n).padStart(3, "0")}`)
    await Promise.all([...keys, "listless"].map((key) => put(key, key)))
    const found: string[] = []
    for await (const page of container.listBlobsFlat({ prefix: "list/" }).byPage({ maxPageSize: 10 })) {
      found.push(...page.segment.blobItems.map(({ name }) => name))
    }
    expect(found).toEqual(keys)
  })
})

// Only azurite has this limit: a storage account that the environment names has none.
test.skipIf(server === undefined || process.env["CKPT_TEST_AZURE_CONNECTION_STRING"])(
  "holds as much as it is told to",
  async () => {
    const small = await startAzureServer({ extentMemoryLimit: 1 })
    try {
      const container = BlobServiceClient.fromConnectionString(small!.connectionString).getContainerClient("limit")
      await container.create()
      const upload = (size: number) => container.getBlockBlobClient("blob").upload(Buffer.alloc(size), size)
      expect(await status(upload(512 * 1024))).toBe(200)
      expect(await status(upload(1024 * 1024))).toBe(409)
    } finally {
      await small?.stop()
    }
  },
)
