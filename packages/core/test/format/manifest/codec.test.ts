import { describe, expect, test } from "vitest"
import { decodeManifest, parseManifest } from "../../../src/format/manifest/decode.js"
import { encodeManifest, manifestToJson } from "../../../src/format/manifest/encode.js"
import type { CheckpointManifest } from "../../../src/format/manifest/model.js"
import { base, bytesOf, catchError, full, head, issueOf, withChecksum } from "./support.js"

const golden = `{
  "version": 1,
  "checkpoint_id": 42,
  "epoch": 7,
  "timestamp_ms": 1700000000000,
  "source_offsets": {
    "orders": {
      "offsets": {
        "a": "1",
        "b": "2"
      },
      "epoch": 7,
      "metadata": {
        "topic": "x\\"\\u0007"
      }
    },
    "é🦀": {
      "offsets": {},
      "epoch": 6,
      "metadata": {}
    }
  },
  "sink_epochs": {
    "s": 6
  },
  "sink_commit_statuses": {
    "a": {
      "Failed": "down\\n"
    },
    "b": "Pending",
    "c": "Committed"
  },
  "table_offsets": {
    "t": {
      "offsets": {
        "version": "42"
      },
      "epoch": 1,
      "metadata": {}
    }
  },
  "operator_states": {
    "join": {
      "state_b64": null,
      "external": true,
      "external_offset": 4,
      "external_length": 8
    },
    "window": {
      "state_b64": "aGVsbG8=",
      "external": false,
      "external_offset": 0,
      "external_length": 0
    }
  },
  "table_store_checkpoint_path": "/t",
  "watermark": -9223372036854775808,
  "source_watermarks": {
    "orders": 9223372036854775807
  },
  "source_names": [
    "orders",
    "é🦀"
  ],
  "sink_names": [
    "s"
  ],
  "pipeline_hash": 18446744073709551615,
  "vnode_count": 65535,
  "state_checksum": "abababababababababababababababababababababababababababababababab",
  "state_size": 12,
  "operator_checksums": {
    "join": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
  },
  "writer": {
    "epoch": 2,
    "id": "t"
  },
  "update_token": "u",
  "seen": 3,
  "zeta": 1.50,
  "10": [
    null,
    true
  ]`

test("a manifest with every field has the golden text", () => {
  expect(manifestToJson(full)).toBe(withChecksum(golden))
  expect(Buffer.from(encodeManifest(full)).toString()).toBe(withChecksum(golden))
  expect(parseManifest(encodeManifest(full))).toStrictEqual(full)
})

test("a legacy manifest with its four required fields alone gets the defaults", () => {
  const m = parseManifest(bytesOf(`{${head}}`))
  expect(m).toStrictEqual({ ...base, vnodeCount: 0 })
  expect(Object.getPrototypeOf(m.sourceOffsets)).toBeNull()
})

describe("exactness", () => {
  test.each([-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n - 1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 0n])(
    "watermark %s",
    (watermark) => {
      const m = parseManifest(encodeManifest({ ...base, watermark, sourceWatermarks: { s: watermark } }))
      expect(m.watermark).toBe(watermark)
      expect(m.sourceWatermarks["s"]).toBe(watermark)
    },
  )
  test.each([0n, 2n ** 53n + 1n, 2n ** 64n - 1n])("pipeline hash %s", (pipelineHash) => {
    expect(parseManifest(encodeManifest({ ...base, pipelineHash })).pipelineHash).toBe(pipelineHash)
  })
  test("numbers up to 2^53 - 1 are values, larger numbers are issues", () => {
    const at = (id: string): Uint8Array => bytesOf(`{"version":1,"checkpoint_id":${id},"epoch":1,"timestamp_ms":5}`)
    expect(parseManifest(at("9007199254740991")).checkpointId).toBe(2 ** 53 - 1)
    for (const id of ["9007199254740992", "9007199254740993", "18446744073709551615"]) {
      expect(issueOf(at(id))).toBe(
        `fatal number-unsafe: checkpoint_id: ${id} is above 2^53 - 1 and has no exact number in JavaScript`,
      )
    }
    expect(issueOf(at("18446744073709551616"))).toContain(
      "manifest-corrupt: corrupt manifest: checkpoint_id: 18446744073709551616 is out of range for u64",
    )
    expect(issueOf(`{${head},"sink_epochs":{"a b":9007199254740992}}`)).toContain(
      'number-unsafe: sink_epochs["a b"]: 9007199254740992',
    )
  })
})

test.each([
  ["[]", "expected an object, found an array"],
  ["{}", "version: missing"],
  [`{"version":1,"checkpoint_id":1,"epoch":1}`, "timestamp_ms: missing"],
  [`{"version":1.0}`, "version: expected u32, found the number 1.0"],
  [`{"version":1e0}`, "version: expected u32, found the number 1e0"],
  [`{"version":-0}`, "version: expected u32, found the number -0"],
  [`{"version":-1}`, "version: -1 is out of range for u32"],
  [`{"version":4294967296}`, "version: 4294967296 is out of range for u32"],
  [`{"version":"1"}`, 'version: expected u32, found the string "1"'],
  [`{"version":null}`, "version: expected u32, found null"],
  [`{"version":NaN}`, 'version: expected a value, found "N" (at offset 11)'],
  [`{${head},"epoch":2}`, 'duplicate key "epoch"'],
  [`{${head},"sink_epochs":{"a":1,"a":1}}`, 'sink_epochs: duplicate key "a"'],
  [`{${head},"x":[{"y":{"z":1,"z":2}}]}`, 'x[0].y: duplicate key "z"'],
  [`{${head},"sink_epochs":null}`, "sink_epochs: expected an object, found null"],
  [`{${head},"sink_epochs":{"a":1e999}}`, "sink_epochs.a: expected u64, found the number 1e999"],
  [`{${head},"source_offsets":{"a":{"epoch":1}}}`, "source_offsets.a.offsets: missing"],
  [
    `{${head},"source_offsets":{"a":{"offsets":{},"epoch":1,"metadata":null}}}`,
    "source_offsets.a.metadata: expected an object",
  ],
  [
    `{${head},"source_offsets":{"__proto__":{"offsets":{"0":5},"epoch":1}}}`,
    'source_offsets.__proto__.offsets["0"]: expected a string',
  ],
  [`{${head},"sink_commit_statuses":{"a":"pending"}}`, "sink_commit_statuses.a: expected"],
  [`{${head},"sink_commit_statuses":{"a":{"Failed":"x","b":1}}}`, "sink_commit_statuses.a: expected"],
  [`{${head},"sink_commit_statuses":{"a":{"Failed":null}}}`, "sink_commit_statuses.a: expected"],
  [`{${head},"operator_states":{"o":{"external":null}}}`, "operator_states.o.external: expected a boolean, found null"],
  [`{${head},"operator_states":{"o":{"external_length":-5}}}`, "operator_states.o.external_length: -5 is out of range"],
  [
    `{${head},"operator_states":{"o":{"state_b64":5}}}`,
    "operator_states.o.state_b64: expected a string, found the number 5",
  ],
  [`{${head},"watermark":9223372036854775808}`, "watermark: 9223372036854775808 is out of range for i64"],
  [`{${head},"watermark":${"9".repeat(1000)}}`, "watermark: expected i64, found the number 999"],
  [`{${head},"pipeline_hash":-1}`, "pipeline_hash: -1 is out of range for u64"],
  [`{${head},"vnode_count":65536}`, "vnode_count: 65536 is out of range for u16"],
  [`{${head},"source_names":["a",null]}`, "source_names[1]: expected a string, found null"],
  [`{${head},"sink_names":{}}`, "sink_names: expected an array, found an object"],
  [withChecksum(`{${head},"state_size":null`), "state_size: expected u64, found null"],
  [withChecksum(`{${head},"operator_checksums":{"o":"AB"}`), "operator_checksums.o: expected 64 lower-case hex digits"],
  [withChecksum(`{${head},"writer":{"epoch":1}`), "writer.id: missing"],
  [withChecksum(`{${head},"update_token":5`), "update_token: expected a string"],
  [`\uFEFF{${head}}`, "expected a value, found U+FEFF"],
  [`{${head},"x":"\\ud83e"}`, "x: lone surrogate"],
  [`{${head}`, 'expected "," or "}", found the end'],
  ["not valid json", "expected a value"],
  ["", "expected a value, found the end"],
])("corrupt: %s", (text, reason) => {
  expect(issueOf(text)).toContain(`fatal manifest-corrupt: corrupt manifest: ${reason}`)
  const error = catchError(() => parseManifest(bytesOf(text)))
  expect(error.code).toBe("CKPT_CORRUPT")
  expect(error.message).toContain(reason)
})

test("bytes that are not UTF-8 are corrupt, never replaced", () => {
  const bytes = bytesOf(`{${head},"update_token":"?"}`)
  bytes[bytes.indexOf(0x3f)] = 0xff
  expect(issueOf(bytes)).toContain("manifest-corrupt: corrupt manifest: not UTF-8")
})

test("of a later version only the version is read", () => {
  expect(issueOf(`{"version":2,"whatever":true}`)).toContain(
    "fatal manifest-version: manifest version 2 is newer than 1",
  )
  expect(catchError(() => parseManifest(bytesOf(`{"version":2}`))).code).toBe("CKPT_CORRUPT")
})

test("an id or epoch of 0 can be read and is fatal", () => {
  const { manifest, issues } = decodeManifest(bytesOf(`{"version":0,"checkpoint_id":0,"epoch":0,"timestamp_ms":0}`))
  expect(manifest).toMatchObject({ version: 0, checkpointId: 0, epoch: 0, timestampMs: 0 })
  expect(issues.map((issue) => issue.code)).toEqual(["id-zero", "epoch-zero"])
  for (const { severity, message } of issues) expect(`${severity} ${message}`).toMatch(/^fatal .*epoch/)
  expect(parseManifest(encodeManifest(manifest as CheckpointManifest))).toStrictEqual(manifest)
})

test.each(["nonsense", "A".repeat(64), "a".repeat(63), ""])(
  "the state checksum %o could not be written again: corrupt",
  (hex) => {
    expect(issueOf(`{${head},"state_checksum":"${hex}"}`)).toContain(
      "state_checksum: expected 64 lower-case hex digits",
    )
  },
)

test.each<[object, string]>([
  [{ checkpointId: 2 ** 53 }, "checkpointId"],
  [{ epoch: -1 }, "epoch"],
  [{ version: 2 ** 32 }, "version"],
  [{ vnodeCount: 65_536 }, "vnodeCount"],
  [{ timestampMs: undefined }, "timestampMs"],
  [
    { watermark: 5 },
    "watermark: must be a bigint from -9223372036854775808 to 9223372036854775807, not the number 5: use 5n",
  ],
  [{ pipelineHash: 2n ** 64n }, "pipelineHash"],
  [{ sinkEpochs: { "\ud83e": 1 } }, "sinkEpochs: holds a lone surrogate"],
  [{ sinkEpochs: undefined }, "sinkEpochs"],
  [{ extra: 1 }, "extra: is not a field of the manifest"],
])("encoding refuses %o with the path", (change, path) => {
  const error = catchError(() => encodeManifest({ ...base, ...change } as CheckpointManifest))
  expect(error.code).toBe("CKPT_INVALID")
  expect(error.message).toContain(`manifest: ${path}`)
})

test("an undefined nullable field is written as null, an undefined optional field is left out", () => {
  const loose = {
    ...base,
    watermark: undefined,
    stateSize: undefined,
    writer: undefined,
  } as unknown as CheckpointManifest
  expect(manifestToJson(loose)).toBe(manifestToJson(base))
})
