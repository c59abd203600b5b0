import type { BlockBlobClient } from "@azure/storage-blob"
import { expect, test } from "vitest"
import { uploadInParts } from "../src/upload.js"

test("a block that a blob has no room for is refused before it is sent", async () => {
  let staged = 0
  const client = { stageBlock: async () => void staged++ } as unknown as BlockBlobClient
  const place = { account: "account", container: "container" }
  const parts = uploadInParts((key, when) => ({
    client,
    place,
    key,
    when,
    checksums: "md5",
    head: async () => undefined,
  }))
  const upload = await parts.begin("the/key", { when: "absent" })
  const part = (index: number) => parts.part(upload, { index, offset: 0, bytes: new Uint8Array(1), last: true }, {})
  await part(49_999)
  expect(staged).toBe(1)
  await expect(part(50_000)).rejects.toMatchObject({
    name: "BackendError",
    kind: "permanent",
    message: expect.stringMatching(/the\/key.*50,000 blocks.*1\.18 TiB/),
  })
  expect(staged).toBe(1)
})
