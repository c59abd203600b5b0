import { expect, test } from "vitest"
import { CheckpointError } from "../../../src/errors.js"
import { MAX_JSON_VALUES } from "../../../src/format/json.js"
import { createManifest } from "../../../src/format/manifest/check.js"
import { decodeManifest, parseManifest } from "../../../src/format/manifest/decode.js"
import { encodeManifest } from "../../../src/format/manifest/encode.js"
import { MAX_MANIFEST_BYTES } from "../../../src/format/manifest/model.js"

const head = `{"version":1,"checkpoint_id":1,"epoch":1,"timestamp_ms":5`

const issueOf = (bytes: Uint8Array): string => {
  const { manifest, issues } = decodeManifest(bytes)
  expect(manifest).toBeUndefined()
  return `${issues[0]?.code}: ${issues[0]?.message}`
}

test.each(["[", '{"a":', '[{"":'])("50,000 levels of %s end in an issue", (open) => {
  expect(issueOf(Buffer.from(`${head},"x":${open.repeat(50_000)}`))).toContain("nested deeper than 128")
})

test("64 MB of small keys are refused by the limit of values", () => {
  const bytes = Buffer.alloc(MAX_MANIFEST_BYTES, " ")
  let end = bytes.write(`${head},"sink_epochs":{"0":1`)
  for (let key = 1; end < bytes.length - 32; key++) end += bytes.write(`,"${key.toString(36)}":1`, end, "latin1")
  bytes.write("}}", bytes.length - 2)
  expect(issueOf(bytes)).toContain(`manifest-corrupt: corrupt manifest: sink_epochs`)
  expect(issueOf(bytes)).toContain(`more than ${MAX_JSON_VALUES} values`)
})

test("64 MB of empty containers are refused by the limit of values", () => {
  const bytes = Buffer.alloc(MAX_MANIFEST_BYTES, "{},")
  bytes.write(`${head},"x":[`.padEnd(96))
  expect(issueOf(bytes)).toContain(`more than ${MAX_JSON_VALUES} values`)
})

test("a manifest one byte over the limit is too large, whatever it holds", () => {
  expect(issueOf(Buffer.alloc(MAX_MANIFEST_BYTES + 1, " "))).toContain(
    "manifest-too-large: corrupt manifest: 67108865 bytes",
  )
})

test("a manifest that is too large by characters, by bytes or by values is not written", () => {
  const create = (text: string) => createManifest({ checkpointId: 1, epoch: 1, updateToken: text })
  const names = Array.from({ length: MAX_JSON_VALUES }, () => "")
  for (const [manifest, reason] of [
    [create("x".repeat(MAX_MANIFEST_BYTES)), "longer than 67108608 characters"],
    [create("é".repeat(MAX_MANIFEST_BYTES / 2)), "67109"],
    [createManifest({ checkpointId: 1, epoch: 1, sourceNames: names }), "more than 1000000 values"],
  ] as const) {
    expect(() => encodeManifest(manifest)).toThrow(reason)
    expect(() => encodeManifest(manifest)).toThrow(CheckpointError)
  }
})

test("a manifest with as many values as can be written can be read back", () => {
  const empty = createManifest({ checkpointId: 1, epoch: 1 })
  // The object, its 17 fields and the checksum are values too.
  const sourceNames = Array.from({ length: MAX_JSON_VALUES - 19 }, () => "")
  const bytes = encodeManifest({ ...empty, sourceNames })
  expect(parseManifest(bytes).sourceNames).toHaveLength(sourceNames.length)
  expect(() => encodeManifest({ ...empty, sourceNames: [...sourceNames, ""] })).toThrow("more than 1000000 values")
})
