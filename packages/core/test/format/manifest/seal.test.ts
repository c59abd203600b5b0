import { createHash } from "node:crypto"
import { describe, expect, test } from "vitest"
import type { JsonValue } from "../../../src/format/json.js"
import { createManifest } from "../../../src/format/manifest/check.js"
import { decodeManifest, parseManifest } from "../../../src/format/manifest/decode.js"
import { encodeManifest, manifestToJson } from "../../../src/format/manifest/encode.js"
import { OWN_FIELDS } from "../../../src/format/manifest/seal.js"
import { base, bytesOf, catchError, full, head, issueOf, withChecksum } from "./support.js"

describe("manifest_checksum", () => {
  const text = manifestToJson(base)
  const covered = text.slice(0, text.lastIndexOf(","))
  const checksum = createHash("sha256").update(covered).digest("hex")

  test("is accepted in its exact form, and is not part of the manifest", () => {
    expect(parseManifest(bytesOf(text))).toStrictEqual(base)
    expect(text).toBe(withChecksum(covered))
  })

  test.each([
    ["wrong", `${covered},\n  "manifest_checksum": "${"0".repeat(64)}"\n}`],
    ["upper case", `${covered},\n  "manifest_checksum": "${checksum.toUpperCase()}"\n}`],
    ["short", `${covered},\n  "manifest_checksum": "${checksum.slice(1)}"\n}`],
    ["null", `${covered},\n  "manifest_checksum": null\n}`],
    ["with a newline after it", `${text}\n`],
    ["with other white space", `${covered},\n "manifest_checksum": "${checksum}"\n}`],
    ["spelt with an escape", `${covered},\n  "manifest\\u005fchecksum": "${checksum}"\n}`],
    ["not last", `${covered},\n  "manifest_checksum": "${checksum}",\n  "x": 1\n}`],
    ["first", `{"manifest_checksum":"${checksum}",${head}}`],
    ["under a damaged name", `${covered},\n  "manifest_checksun": "${checksum}"\n}`],
    ["under a longer damaged name", `${covered},\n  "Manifest-checksum-é": "${checksum}"\n}`],
  ])("fatal: %s", (_, damaged) => {
    expect(issueOf(damaged)).toContain("fatal manifest-checksum: corrupt manifest: ")
  })

  test("is a duplicate key if it occurs twice", () => {
    expect(issueOf(withChecksum(text.slice(0, -2)))).toContain('duplicate key "manifest_checksum"')
  })

  test("is a name like any other below the top level", () => {
    const m = { ...base, sinkEpochs: { manifest_checksum: 3 } }
    expect(parseManifest(encodeManifest(m)).sinkEpochs["manifest_checksum"]).toBe(3)
    const nested = `{${head},"source_offsets":{"a":{"offsets":{},"epoch":1,"manifest_checksum":5}}}`
    expect(manifestToJson(parseManifest(bytesOf(nested)))).toContain(`"manifest_checksum": 5\n    }`)
  })

  test("is absent, and the manifest legacy, if another last field holds 64 hex digits", () => {
    expect(issueOf(`{${head},\n  "state_checksum": "${"0".repeat(64)}"\n}`)).toBe("")
    expect(issueOf(`{${head},\n  "other": "${"0".repeat(64)}"\n}`)).toBe("")
  })

  test.each(OWN_FIELDS)("is needed by a manifest with %s, a field of ours, whatever else is damaged", (field) => {
    const own = manifestToJson({ ...full, labels: { team: "a" } })
    const renamed = own.replace('"manifest_checksum"', '"manifest_checksun"').replace('"epoch": 7', '"epoch": 8')
    expect(issueOf(renamed)).toContain("fatal manifest-checksum: ")
    const others = OWN_FIELDS.filter((one) => one !== field)
    const alone = others.reduce((text, other) => text.replace(`"${other}"`, `"x_${other}"`), renamed)
    expect(issueOf(alone)).toContain(`it has ${field}, which this library writes, and no manifest_checksum`)
  })

  test("finds every single flipped bit", () => {
    for (const manifest of [base, full]) {
      const bytes = encodeManifest(manifest)
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const damaged = Uint8Array.from(bytes)
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        if (decodeManifest(damaged).issues.every((issue) => issue.severity !== "fatal")) expect.fail(`bit ${bit}`)
      }
    }
  })

  test("finds every truncation", () => {
    const bytes = encodeManifest(full)
    for (let length = 0; length < bytes.length; length++) {
      if (decodeManifest(bytes.subarray(0, length)).issues.length === 0) expect.fail(`length ${length}`)
    }
  })
})

describe("unknown fields", () => {
  const text = `{
  ${head},
  "source_offsets": {"a": {"offsets": {}, "epoch": 1, "lag": 123456789012345678901234567890}},
  "operator_states": {"o": {"ttl": {"10": -0, "9": 1E+5}}},
  "writer": {"epoch": 1, "id": "t", "host": "é🦀"},
  "zz": {"b": 1e999, "a": [{}, [], "\\u2028"]},
  "10": 1.50,
  "9": null`

  test("survive reading, a spread and writing", () => {
    const m = parseManifest(bytesOf(withChecksum(text)))
    expect([...(m.unknownFields?.keys() ?? [])]).toEqual(["zz", "10", "9"])
    const again = manifestToJson({ ...m, epoch: 2 })
    for (const kept of [
      `"lag": 123456789012345678901234567890`,
      `"ttl": {\n        "10": -0,\n        "9": 1E+5\n      }`,
      `"host": "é🦀"`,
      `"zz": {\n    "b": 1e999,\n    "a": [\n      {},\n      [],\n      "\u2028"\n    ]\n  },\n  "10": 1.50,\n  "9": null,\n`,
    ]) {
      expect(again).toContain(kept)
    }
    expect(parseManifest(bytesOf(again))).toStrictEqual({ ...m, epoch: 2 })
    expect(manifestToJson(createManifest(m))).toBe(manifestToJson(m))
    expect(manifestToJson(structuredClone(m))).toBe(manifestToJson(m))
  })

  test.each<[string, JsonValue, string]>([
    ["version", { number: "2" }, '"version" is not an unknown field'],
    ["state_size", { number: "2" }, '"state_size" is not an unknown field'],
    ["manifest_checksum", "x", '"manifest_checksum" is not an unknown field'],
    ["x", 5 as unknown as JsonValue, "x: not a JSON value"],
    ["x", "\ud83e", "x: lone surrogate"],
    ["\ud83e", null, "unknownFields: holds a lone surrogate"],
  ])("%o: %o cannot be written", (key, value, reason) => {
    const error = catchError(() => encodeManifest({ ...base, unknownFields: new Map([[key, value]]) }))
    expect(error.code).toBe("CKPT_INVALID")
    expect(error.message).toContain(reason)
  })
})
