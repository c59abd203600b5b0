import { expect, test } from "vitest"
import { createManifest } from "../../../src/format/manifest/check.js"
import { marked, withoutMark } from "../../../src/format/manifest/claim-mark.js"
import { decodeManifest, parseManifest } from "../../../src/format/manifest/decode.js"
import { encodeManifest } from "../../../src/format/manifest/encode.js"

const plain = createManifest({ checkpointId: 3, epoch: 7, timestampMs: 1, sourceOffsets: {} })
const stamped = { ...plain, writer: { epoch: 2, token: "abc", from: 1 } }

test.each([
  ["of a plain writer", plain],
  ["of a leader", stamped],
  ["that was updated", { ...stamped, updateToken: "u" }],
])("a manifest %s without its mark has its first bytes again, however many claims marked it", (_, manifest) => {
  const bytes = encodeManifest(manifest)
  const once = marked(manifest, 3)
  expect(parseManifest(once).writer?.fenced).toBe(3)
  const twice = marked(parseManifest(once), 4)
  for (const stored of [once, twice]) {
    expect(Buffer.from(withoutMark(decodeManifest(stored)) ?? []).equals(bytes)).toBe(true)
  }
})

test("a manifest without a mark, or a damaged manifest, is not taken for marked", () => {
  expect(withoutMark(decodeManifest(encodeManifest(stamped)))).toBeUndefined()
  const damaged = marked(stamped, 3).map((byte, at) => (at === 40 ? byte ^ 1 : byte))
  expect(withoutMark(decodeManifest(damaged))).toBeUndefined()
})
