import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { type CheckpointStore, createManifest, type ManifestInit } from "@ckpt/core"
import { inMemory, sortMaps } from "./fixtures-expected.js"
import type { Fixture } from "./fixtures-files.js"

/**
 * Saves what the full checkpoint 1 of fixture `basic` or `basic-objects` holds in an empty store of the fixture's layout,
 * and asserts that what is written is what the reference wrote, so that it can read it: the same names, fields, order
 * and format; the keys of maps sorted, where the reference's order is random; and our extension fields at the end, where
 * the reference passes over them.
 *
 * @param read the bytes of one key, once the store has written
 */
export async function checkWritten(
  fixture: Fixture,
  store: CheckpointStore,
  read: (key: string) => Promise<Uint8Array | undefined>,
): Promise<void> {
  const directory = fixture.layout === "directory"
  const manifestKey = directory ? "checkpoints/checkpoint_000001/manifest.json" : "manifests/manifest-000001.json"
  const stateKey = directory ? "checkpoints/checkpoint_000001/state.bin" : "checkpoints/state-000001.bin"
  const state = fixture.files.get(stateKey)
  const manifest = fixture.expected.checkpoints[0]?.manifest
  assert.ok(state !== undefined && manifest !== undefined && manifest !== null)
  // The checksum is left to the store.
  const { stateChecksum: _, ...content } = inMemory(manifest)
  await store.save(createManifest(content as unknown as ManifestInit), { state })

  const original = decode(fixture.files.get(manifestKey))
  assert.equal(sortMaps(original, false), original, "the comparison itself changes more than the order")
  const covered = `${sortMaps(original).slice(0, -"\n}".length)},\n  "state_size": ${state.length}`
  const checksum = createHash("sha256").update(covered).digest("hex")
  assert.equal(decode(await read(manifestKey)), `${covered},\n  "manifest_checksum": "${checksum}"\n}`)
  assert.deepEqual(await read(stateKey), state)

  if (directory) {
    const latest = decode(fixture.files.get("checkpoints/latest.txt"))
    assert.equal(decode(await read("checkpoints/latest.txt")), latest.replace("7", "1"))
  } else {
    // The reference reads this one field and passes over what follows.
    const latest = decode(fixture.files.get("manifests/latest.json"))
    assert.equal(latest, '{"checkpoint_id":7}')
    const fields: unknown = JSON.parse(decode(await read("manifests/latest.json")))
    assert.deepEqual(Object.entries(fields as object)[0], ["checkpoint_id", 1])
  }
}

function decode(bytes: Uint8Array | undefined): string {
  assert.ok(bytes !== undefined, "it is not there")
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
}
