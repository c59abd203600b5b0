import { describe, expect, test } from "vitest"
import { CheckpointError } from "../../../src/errors.js"
import { createManifest } from "../../../src/format/manifest/check.js"
import { decodeInline, inlineOperator } from "../../../src/format/manifest/inline.js"
import type { CheckpointManifest, ManifestInit, OperatorState } from "../../../src/format/manifest/model.js"

const base = { checkpointId: 1, epoch: 1 }

function problem(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof CheckpointError) return `${error.code} ${error.message}`
    throw error
  }
  return "accepted"
}

/** Calls createManifest as plain JavaScript does, without types. */
const create = (init: object): CheckpointManifest => createManifest({ ...base, ...init } as ManifestInit)

test("createManifest fills in the defaults", () => {
  const before = Date.now()
  const m = createManifest(base)
  expect(m.timestampMs).toBeGreaterThanOrEqual(before)
  expect(m).toMatchObject({
    version: 1,
    checkpointId: 1,
    epoch: 1,
    vnodeCount: 256,
    watermark: null,
    stateChecksum: null,
  })
  expect(m).toMatchObject({ sourceNames: [], sinkNames: [], pipelineHash: null, tableStoreCheckpointPath: null })
  for (const map of [m.sourceOffsets, m.sinkEpochs, m.sinkCommitStatuses, m.tableOffsets, m.operatorStates]) {
    expect(Object.getPrototypeOf(map)).toBeNull()
  }
  for (const extension of ["stateSize", "operatorChecksums", "writer", "updateToken", "unknownFields"]) {
    expect(m).not.toHaveProperty(extension)
  }
})

test("an undefined field counts as left out, at the top level and below", () => {
  const m = create({
    watermark: undefined,
    timestampMs: undefined,
    stateSize: undefined,
    sourceOffsets: { a: { epoch: 1, offsets: {}, metadata: undefined } },
    writer: { epoch: 1, id: "t" },
  })
  expect(m.watermark).toBeNull()
  expect(m).not.toHaveProperty("stateSize")
  expect(m.sourceOffsets["a"]?.metadata).toEqual({})
  expect(m.writer).toStrictEqual({ epoch: 1, id: "t" })
})

test("createManifest copies its argument, and keeps keys that a prototype would swallow", () => {
  const offsets: Record<string, string> = { "0": "5" }
  const named = Object.fromEntries([
    ["__proto__", { epoch: 1, offsets }],
    ["constructor", { epoch: 2, offsets }],
  ])
  const m = create({ sourceOffsets: named, sourceNames: ["b", "a"] })
  offsets["0"] = "6"
  expect(Object.keys(m.sourceOffsets)).toEqual(["__proto__", "constructor"])
  expect(Object.values(m.sourceOffsets)[0]?.offsets["0"]).toBe("5")
  expect(Object.getPrototypeOf(m.sourceOffsets["constructor"]?.offsets)).toBeNull()
  expect(m.sourceNames).toEqual(["a", "b"])
})

describe.each(["checkpointId", "epoch"])("%s", (field) => {
  test.each([
    0,
    -1,
    1.5,
    1e21,
    2 ** 53,
    "0x10",
    "+5",
    " 1",
    "",
    "1",
    Number.NaN,
    Infinity,
    1n,
    null,
    undefined,
    true,
    [1],
    {},
  ])("refuses %o", (value) => {
    expect(problem(() => create({ [field]: value }))).toMatch(new RegExp(`^CKPT_INVALID manifest: ${field}: must be`))
  })
  test("takes 2^53 - 1", () => {
    expect(create({ [field]: 2 ** 53 - 1 })).toHaveProperty(field, 2 ** 53 - 1)
  })
})

test.each<[object, string]>([
  [{ version: 2 ** 32 }, "version: must be an integer number from 0 to 4294967295"],
  [{ timestampMs: -1 }, "timestampMs: must be"],
  [{ timestampMs: new Date() }, "timestampMs: must be an integer number from 0 to 9007199254740991, not a Date"],
  [{ vnodeCount: 65_536 }, "vnodeCount: must be an integer number from 0 to 65535, not the number 65536"],
  [{ sourceOffsets: new Map() }, "sourceOffsets: must be a plain object, not a Map"],
  [{ sourceOffsets: [] }, "sourceOffsets: must be a plain object, not an array"],
  [{ sourceOffsets: null }, "sourceOffsets: must be a plain object, not null"],
  [
    { sourceOffsets: { a: 5 } },
    'sourceOffsets.a: must be an object with offsets, such as { offsets: { "0": 1042 } }, not the number 5',
  ],
  [
    { sourceOffsets: { a: { epoch: 1 } } },
    'sourceOffsets.a: has no offsets; it must be an object with offsets, such as { offsets: { "0"',
  ],
  [{ sourceOffsets: { a: { 0: 5 } } }, "sourceOffsets.a: has no offsets; it must be an object with offsets"],
  [{ sourceOffsets: { a: { epoch: null, offsets: {} } } }, "sourceOffsets.a.epoch: must be an integer"],
  [
    { sourceOffsets: { a: { epoch: 1, offsets: { "p-0": true } } } },
    'sourceOffsets.a.offsets["p-0"]: must be text, a bigint or an exact whole number, not true',
  ],
  [
    { sourceOffsets: { a: { epoch: 1, offsets: { "0": 2 ** 53 } } } },
    'sourceOffsets.a.offsets["0"]: must be text, a bigint or an exact whole number, not the number 9007199254740992: it is beyond 2^53 - 1',
  ],
  [
    { tableOffsets: { a: { epoch: 1, offsets: { "0": 1.5 } } } },
    'tableOffsets.a.offsets["0"]: must be text, a bigint or an exact whole number, not the number 1.5',
  ],
  [{ sourceOffsets: { a: { epoch: 1, offsets: {}, metdata: {} } } }, "sourceOffsets.a.metdata: is not a field"],
  [
    { tableOffsets: { a: { epoch: 1, offsets: {}, metadata: null } } },
    "tableOffsets.a.metadata: must be a plain object",
  ],
  [{ sinkEpochs: { s: 1n } }, "sinkEpochs.s: must be an integer number from 0 to 9007199254740991, not the bigint 1n"],
  [{ sinkCommitStatuses: { s: "Pending" } }, "sinkCommitStatuses.s: must be a plain object"],
  [{ sinkCommitStatuses: { s: { status: "Pending" } } }, 'sinkCommitStatuses.s.status: must be "pending", "committed"'],
  [{ sinkCommitStatuses: { s: { status: "failed" } } }, "sinkCommitStatuses.s.message: must be a string"],
  [{ sinkCommitStatuses: { s: { status: "pending", message: "x" } } }, "sinkCommitStatuses.s.message: belongs to"],
  [{ operatorStates: { o: { stateB64: "a" } } }, "operatorStates.o.stateB64: must be base64"],
  [{ operatorStates: { o: { stateB64: Buffer.from("a") } } }, "operatorStates.o.stateB64: must be a string"],
  [{ operatorStates: { o: { external: 1 } } }, "operatorStates.o.external: must be a boolean"],
  [{ operatorStates: { o: { external: true, externalOffset: -1 } } }, "operatorStates.o.externalOffset: must be"],
  [
    { operatorStates: { o: { external: true, externalLength: Number.NaN } } },
    "operatorStates.o.externalLength: must be",
  ],
  [{ tableStoreCheckpointPath: 5 }, "tableStoreCheckpointPath: must be a string"],
  [
    { watermark: 5 },
    "watermark: must be a bigint from -9223372036854775808 to 9223372036854775807, not the number 5: use 5n",
  ],
  [{ watermark: 1.5 }, "watermark: must be a bigint"],
  [{ watermark: 2n ** 63n }, "watermark: must be a bigint"],
  [{ sourceWatermarks: { a: -(2n ** 63n) - 1n } }, "sourceWatermarks.a: must be a bigint"],
  [{ sourceWatermarks: { a: null } }, "sourceWatermarks.a: must be a bigint"],
  [{ pipelineHash: -1n }, "pipelineHash: must be a bigint from 0 to 18446744073709551615"],
  [{ pipelineHash: 2n ** 64n }, "pipelineHash: must be a bigint"],
  [{ sourceNames: "a" }, "sourceNames: must be an array"],
  [{ sinkNames: ["a", 5] }, "sinkNames[1]: must be a string"],
  [{ stateChecksum: "A".repeat(64) }, "stateChecksum: must be 64 lower-case hex digits"],
  [{ stateSize: -1 }, "stateSize: must be"],
  [{ stateSize: null }, "stateSize: must be"],
  [{ operatorChecksums: { o: "x" } }, "operatorChecksums.o: must be 64"],
  [{ writer: { epoch: 1 } }, "writer.id: must be a string"],
  [{ updateToken: 5 }, "updateToken: must be a string"],
  [{ unknownFields: {} }, "unknownFields: must be a Map"],
  [{ sinkEpochs: { "\ud83e": 1 } }, "sinkEpochs: holds a lone surrogate"],
  [{ updateToken: "a\udd80" }, "updateToken: holds a lone surrogate"],
  [{ watermarks: 5n }, "watermarks: is not a field of the manifest"],
])("refuses %o with the path", (init, expected) => {
  expect(problem(() => create(init))).toContain(`CKPT_INVALID manifest: ${expected}`)
})

test.each([undefined, null, 5, "x", [], new Map()])("refuses %o instead of an init", (init) => {
  expect(problem(() => createManifest(init as unknown as ManifestInit))).toContain(
    "CKPT_INVALID manifest: must be a plain",
  )
})

describe("inline state", () => {
  test("bytes, also of a view into a larger buffer, come back equal and in memory of their own", () => {
    const all = Uint8Array.from({ length: 256 }, (_, index) => index)
    for (const bytes of [all, all.subarray(3, 10), new Uint8Array()]) {
      const decoded = decodeInline(inlineOperator(bytes))
      expect(decoded).toEqual(Uint8Array.from(bytes))
      expect(decoded.buffer.byteLength).toBe(bytes.length)
    }
  })

  test.each([
    "a",
    "ab",
    "abc",
    "ab=",
    "a===",
    "aGVsbG9=",
    "aGVs bG8=",
    "aGVsbG8=\n",
    "-_-_",
    "!!!!",
    "aGVsbG8=aGVs",
    "ab==",
  ])("%j is not base64", (stateB64) => {
    const operator: OperatorState = { stateB64, external: false, externalOffset: 0, externalLength: 0 }
    expect(problem(() => decodeInline(operator))).toMatch(/^CKPT_CORRUPT .*base64/)
  })

  test("an operator without inline state is CKPT_CORRUPT", () => {
    const operator: OperatorState = { stateB64: null, external: true, externalOffset: 0, externalLength: 5 }
    expect(problem(() => decodeInline(operator))).toMatch(/^CKPT_CORRUPT .*no inline state/)
  })
})
