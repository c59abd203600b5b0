// Checks of what docs/compatibility.md says.
import assert from "node:assert/strict"
import * as node from "node:fs/promises"
import { join } from "node:path"
import { inFolder, opened } from "./support.mjs"

/**
 * Writes a manifest as another release may have, without a checksum.
 *
 * @param {string} root
 * @param {number} id
 * @param {string} fields
 */
async function planted(root, id, fields) {
  const folder = join(root, "checkpoints", `checkpoint_00000${id}`)
  await node.mkdir(folder, { recursive: true })
  const path = join(folder, "manifest.json")
  await node.writeFile(path, `{\n  ${fields}\n}`)
  return path
}

export const versionPrograms = {
  "of a manifest of a later version nothing is read but the version": () =>
    inFolder(async (root) => {
      const store = await opened(root)
      await store.saveNext()
      await planted(root, 2, `"version": 2,\n  "checkpoint_id": { "of": "another kind" }`)
      const { checkpoint, skipped, nextId } = await store.recover()
      assert.deepEqual([checkpoint?.id, nextId], [1, 3])
      assert.deepEqual(
        skipped.flatMap(({ issues }) => issues.map(({ code }) => code)),
        ["manifest-version"],
      )
    }),

  "an update keeps the fields of a manifest that it does not know, digit by digit": () =>
    inFolder(async (root) => {
      const later = `"of_a_later_release": [1.50, 12345678901234567890]`
      const path = await planted(
        root,
        1,
        `"version": 1,\n  "checkpoint_id": 1,\n  "epoch": 1,\n  "timestamp_ms": 1,\n  ${later}`,
      )
      const store = await opened(root)
      await store.update(1, (manifest) => ({ ...manifest, epoch: 2 }))
      const text = await node.readFile(path, "utf8")
      assert.match(text, /"epoch": 2/)
      assert.equal(
        text.replaceAll(/\s+/g, " ").includes(`"of_a_later_release": [ 1.50, 12345678901234567890 ]`),
        true,
        text,
      )
    }),
}
