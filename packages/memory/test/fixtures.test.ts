import { join } from "node:path"
import { checkFixture, checkWritten, readFixtures } from "@ckpt/conformance"
import { expect, test } from "vitest"
import { MemoryBackend, openMemoryStore } from "../src/index.js"

const fixtures = await readFixtures(join(import.meta.dirname, "../../core/test/fixtures/laminardb"))

test("all six stores are there, in both layouts", () => {
  expect(fixtures.map(({ layout }) => layout).sort()).toEqual([
    ...Array<string>(5).fill("directory"),
    ...Array<string>(5).fill("objects"),
  ])
})

test.each(fixtures)("$name in the $layout layout is read as the reference reads it", async (fixture) => {
  const backend = new MemoryBackend()
  for (const [key, bytes] of fixture.files) await backend.put(key, [bytes])
  const store = await openMemoryStore({ backend, layout: fixture.layout })
  await checkFixture(fixture, store)
  await store.close()
})

test.each(fixtures.filter(({ name }) => name.startsWith("basic")))(
  "what is written in the $layout layout is what the reference writes",
  async (fixture) => {
    const backend = new MemoryBackend()
    const store = await openMemoryStore({ backend, layout: fixture.layout })
    await checkWritten(fixture, store, async (key) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of (await backend.get(key))?.body ?? []) chunks.push(chunk)
      return new Uint8Array(Buffer.concat(chunks))
    })
    await store.close()
  },
)
