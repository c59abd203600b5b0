import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { checkFixture, checkWritten, readFixtures } from "@ckpt/conformance"
import { expect, test } from "vitest"
import { openFsStore } from "../src/index.js"
import { inTemporaryFolder } from "./storage.js"

const fixtures = await readFixtures(join(import.meta.dirname, "../../core/test/fixtures/laminardb"))

test("all six stores are there, in both layouts", () => {
  const names = fixtures.map(({ name, layout }) => `${name} ${layout}`).sort()
  const twice = ["legacy", "minimal", "orphan", "wide-ids"].flatMap((name) => [`${name} directory`, `${name} objects`])
  expect(names).toEqual(["basic directory", "basic-objects objects", ...twice])
})

test.each(fixtures)("$name in the $layout layout is read as the reference reads it", (fixture) =>
  inTemporaryFolder(async (root) => {
    for (const [key, bytes] of fixture.files) {
      await mkdir(dirname(join(root, key)), { recursive: true })
      await writeFile(join(root, key), bytes)
    }
    const store = await openFsStore(root, { layout: fixture.layout })
    await checkFixture(fixture, store)
    await store.close()

    // Reading leaves everything as it was.
    const entries = await readdir(root, { recursive: true, withFileTypes: true })
    expect(entries.filter((entry) => entry.isFile())).toHaveLength(fixture.files.size)
    for (const [key, bytes] of fixture.files) expect(new Uint8Array(await readFile(join(root, key)))).toEqual(bytes)
  }),
)

test.each(fixtures.filter(({ name }) => name.startsWith("basic")))(
  "what is written in the $layout layout is what the reference writes",
  (fixture) =>
    inTemporaryFolder(async (root) => {
      const store = await openFsStore(root, { layout: fixture.layout })
      await checkWritten(fixture, store, async (key) => new Uint8Array(await readFile(join(root, key))))
      await store.close()
    }),
)
