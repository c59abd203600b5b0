import { expect, test } from "vitest"
import { marked, withoutMark } from "../src/claim-mark.js"
import { createManifest, parseManifest } from "../src/index.js"
import { encodeManifest } from "../src/manifest/codec.js"

const plain = createManifest({ checkpointId: 3, epoch: 7, timestampMs: 1, sourceOffsets: {} })
const stamped = { ...plain, writer: { epoch: 2, token: "abc", from: 1 } }

test.each([
  ["of a plain writer", plain],
  ["of one that claimed", stamped],
  ["that was updated", { ...stamped, updateToken: "u" }],
])("a manifest %s is the same without its mark, however many claims marked it", (_, manifest) => {
  const bytes = encodeManifest(manifest)
  const once = marked(manifest, 3)
  expect(parseManifest(once).writer?.fenced).toBe(3)
  expect(Buffer.from(withoutMark(once)).equals(bytes)).toBe(true)
  expect(Buffer.from(withoutMark(marked(parseManifest(once), 4))).equals(bytes)).toBe(true)
})

test("what bears no mark, or cannot be read, stays as it is", () => {
  const bytes = encodeManifest(stamped)
  expect(withoutMark(bytes)).toBe(bytes)
  const damaged = marked(stamped, 3).map((byte, at) => (at === 40 ? byte ^ 1 : byte))
  expect(withoutMark(damaged)).toBe(damaged)
})
