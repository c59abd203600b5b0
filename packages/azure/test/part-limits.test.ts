import type { BlockBlobClient } from "@azure/storage-blob"
import { expect, test } from "vitest"
import { uploadSteps } from "../src/upload.js"

test("a block that a blob has no room for is refused before it is sent", async () => {
  let staged = 0
  const client = { stageBlock: async () => void staged++ } as unknown as BlockBlobClient
  const place = { account: "account", container: "container" }
  const steps = uploadSteps({ client, place, key: "the/key", when: "absent", head: async () => undefined })
  const { signal } = new AbortController()
  const upload = await steps.begin(signal)
  const part = (index: number) => steps.part(upload, { index, offset: 0, bytes: new Uint8Array(1), last: true }, signal)
  await part(49_999)
  expect(staged).toBe(1)
  await expect(part(50_000)).rejects.toMatchObject({
    name: "BackendError",
    kind: "permanent",
    message: expect.stringMatching(/the\/key.*50,000 blocks.*1\.18 TiB/),
  })
  expect(staged).toBe(1)
})
