import { expect, test } from "vitest"
import { createManifest } from "../../../src/format/manifest/check.js"
import { decodeManifest, parseManifest } from "../../../src/format/manifest/decode.js"
import { encodeManifest } from "../../../src/format/manifest/encode.js"
import { MAX_MANIFEST_BYTES } from "../../../src/format/manifest/model.js"
import { markedSeen, withoutSeen } from "../../../src/format/manifest/seen.js"

const plain = createManifest({ checkpointId: 3, epoch: 7, timestampMs: 1, sourceOffsets: {} })
const stamped = { ...plain, writer: { epoch: 2, id: "abc" } }

test.each([
  ["of a plain writer", plain],
  ["of a leader", stamped],
])("a manifest %s that leaders recovered has its first bytes again, however many leaders", (_, manifest) => {
  const bytes = encodeManifest(manifest)
  const once = encodeManifest(markedSeen(manifest, 3, "a"))
  expect(parseManifest(once).seen).toBe(3)
  const twice = encodeManifest(markedSeen(parseManifest(once), 4, "b"))
  for (const stored of [once, twice]) {
    expect(Buffer.from(withoutSeen(decodeManifest(stored)) ?? []).equals(bytes)).toBe(true)
  }
})

test("a manifest that no leader recovered, or a damaged manifest, is not taken for recovered", () => {
  expect(withoutSeen(decodeManifest(encodeManifest(stamped)))).toBeUndefined()
  const damaged = encodeManifest(markedSeen(stamped, 3, "a")).map((byte, at) => (at === 40 ? byte ^ 1 : byte))
  expect(withoutSeen(decodeManifest(damaged))).toBeUndefined()
})

test("the largest manifest that can be written has room for the mark of a leader, and can be read with it", () => {
  const padded = (bytes: number) => ({ ...stamped, sourceNames: ["x".repeat(bytes)] })
  const room = MAX_MANIFEST_BYTES - 256 - encodeManifest(padded(0)).length
  expect(() => encodeManifest(padded(room + 1))).toThrow("manifest: ")
  const largest = padded(room)
  expect(encodeManifest(largest)).toHaveLength(MAX_MANIFEST_BYTES - 256)
  const marked = encodeManifest(markedSeen(largest, Number.MAX_SAFE_INTEGER, "0".repeat(32)), MAX_MANIFEST_BYTES)
  expect(parseManifest(marked).seen).toBe(Number.MAX_SAFE_INTEGER)
})
