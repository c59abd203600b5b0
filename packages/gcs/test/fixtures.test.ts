import { join } from "node:path"
import { checkFixture, checkWritten, readFixtures } from "@ckpt/conformance"
import { openCheckpointStore } from "@ckpt/core"
import { describe, expect, inject, test } from "vitest"
import { GcsBackend } from "../src/index.js"
import { clients, newBucket } from "./storage.js"

const all = await readFixtures(join(import.meta.dirname, "../../core/test/fixtures/laminardb"))
const fixtures = all.filter(({ layout }) => layout === "objects")

test("the stores of the object layout are there", () => {
  expect(fixtures).toHaveLength(5)
})

describe.each(Object.entries(clients))("%s", (_, newClient) => {
  const open = async () => new GcsBackend({ client: newClient(inject("endpoint")), bucket: await newBucket() })

  test.each(fixtures)("$name is read as the reference reads it", async (fixture) => {
    const backend = await open()
    await Promise.all([...fixture.files].map(([key, bytes]) => backend.put(key, [bytes])))
    const store = await openCheckpointStore({ backend, ownsBackend: true })
    await checkFixture(fixture, store)
    await store.close()
  })

  test.each(fixtures.filter(({ name }) => name.startsWith("basic")))("$name is written alike", async (fixture) => {
    const backend = await open()
    const store = await openCheckpointStore({ backend, ownsBackend: true })
    await checkWritten(fixture, store, async (key) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of (await backend.get(key))?.body ?? []) chunks.push(chunk)
      return new Uint8Array(Buffer.concat(chunks))
    })
    await store.close()
  })
})
