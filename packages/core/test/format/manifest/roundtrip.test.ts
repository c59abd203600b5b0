import assert from "node:assert/strict"
import fc from "fast-check"
import { expect, test } from "vitest"
import type { JsonValue } from "../../../src/format/json.js"
import { createManifest } from "../../../src/format/manifest/check.js"
import { decodeManifest, parseManifest } from "../../../src/format/manifest/decode.js"
import { encodeManifest, manifestToJson } from "../../../src/format/manifest/encode.js"
import { inlineOperator } from "../../../src/format/manifest/inline.js"
import type { ManifestInit } from "../../../src/format/manifest/model.js"

const count = fc.oneof(fc.maxSafeNat(), fc.nat(3), fc.constantFrom(2 ** 53 - 1, 2 ** 32))
const positive = count.map((n) => n || 1)
const text = fc.string({ unit: "binary" })
const key = fc.oneof(
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "",
    "🦀",
    "\u2028",
    "\u0000",
    "10",
    "9",
    '"\\',
  ),
  text,
)
const i64 = fc.oneof(
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n),
)
const u64 = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.constantFrom(0n, 2n ** 64n - 1n, 2n ** 53n + 1n))
const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"))

/** A record with the prototype of a caller's object literal, or without a prototype. */
const map = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.tuple(fc.array(fc.tuple(key, value), { maxLength: 6 }), fc.boolean()).map(([entries, bare]) => {
    const record = Object.fromEntries(entries)
    return bare ? Object.assign(Object.create(null) as Record<string, T>, record) : record
  })

/** Labels whose names are not empty. */
const named = (labels: Record<string, string>) =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => name !== ""))

const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<JsonValue[]>(null, true, false, { number: "1e999" }, { number: "-0" }, { number: "1.50" }),
    fc.bigInt().map((n) => ({ number: `${n}` })),
    text,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 3 }).map((entries) => new Map(entries)),
  ),
})).value
/** The dash keeps a generated name different from every known name. */
const unknown = fc.option(
  fc
    .array(
      fc.tuple(
        fc.oneof(
          fc.constantFrom("10", "9", "__proto__"),
          text.map((name) => `-${name}`),
        ),
        json,
      ),
      { minLength: 1, maxLength: 3 },
    )
    .map((entries) => ({ unknownFields: new Map(entries) })),
  { nil: {} },
)
const connector = fc
  .tuple(
    fc.record({ epoch: count, offsets: map(text), metadata: map(text) }, { requiredKeys: ["epoch", "offsets"] }),
    unknown,
  )
  .map(([fields, more]) => ({ ...fields, ...more }))
const operator = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map(inlineOperator),
  fc
    .tuple(count, count, unknown)
    .map(([externalOffset, externalLength, more]) => ({ external: true, externalOffset, externalLength, ...more })),
)
const status = fc.oneof(
  fc.constantFrom({ status: "pending" } as const, { status: "committed" } as const),
  text.map((message) => ({ status: "failed", message }) as const),
)
const writer = fc
  .tuple(fc.record({ epoch: count, id: text }), unknown)
  .map(([fields, more]) => ({ ...fields, ...more }))

const init: fc.Arbitrary<ManifestInit> = fc
  .tuple(
    fc.record(
      {
        checkpointId: positive,
        epoch: positive,
        timestampMs: count,
        sourceOffsets: map(connector),
        sinkEpochs: map(count),
        sinkCommitStatuses: map(status),
        tableOffsets: map(connector),
        operatorStates: map(operator),
        tableStoreCheckpointPath: fc.option(text),
        watermark: fc.option(i64),
        sourceWatermarks: map(i64),
        sourceNames: fc.array(key, { maxLength: 5 }),
        sinkNames: fc.array(key, { maxLength: 5 }),
        pipelineHash: fc.option(u64),
        vnodeCount: fc.nat(65_535),
        stateChecksum: fc.option(hex),
        stateSize: count,
        operatorChecksums: map(hex),
        labels: map(text).map(named),
        writer,
        updateToken: text,
      },
      { requiredKeys: ["checkpointId", "epoch"] },
    ),
    unknown,
  )
  .map(([fields, more]) => ({ ...fields, ...more }))

const manifest = init.map(createManifest)

test("property: a written manifest is read back equal, and written again to the same bytes", () => {
  fc.assert(
    fc.property(manifest, (m) => {
      const bytes = encodeManifest(m)
      const read = parseManifest(bytes)
      // toStrictEqual asks a map with the key "constructor" for its class.
      assert.deepStrictEqual(read, m)
      expect(Buffer.from(encodeManifest(read)).equals(bytes)).toBe(true)
      expect(decodeManifest(bytes).issues).toEqual([])
    }),
    { numRuns: 500 },
  )
})

test("property: every given name is an own key of the map that is read", () => {
  fc.assert(
    fc.property(map(count), (sinkEpochs) => {
      const read = parseManifest(encodeManifest(createManifest({ checkpointId: 1, epoch: 1, sinkEpochs })))
      expect(Object.entries(read.sinkEpochs).sort()).toEqual(Object.entries(sinkEpochs).sort())
      expect(Object.getPrototypeOf(read.sinkEpochs)).toBeNull()
    }),
  )
})

test("property: the order of keys and names makes no difference", () => {
  fc.assert(
    fc.property(map(count), fc.array(key), (sinkEpochs, sourceNames) => {
      const fixed = { checkpointId: 1, epoch: 1, timestampMs: 1 }
      const turned = Object.fromEntries(Object.entries(sinkEpochs).reverse())
      const a = createManifest({ ...fixed, sinkEpochs, sourceNames })
      const b = createManifest({ ...fixed, sinkEpochs: turned, sourceNames: [...sourceNames].reverse() })
      expect(manifestToJson(b)).toBe(manifestToJson(a))
    }),
  )
})

test("property: the text is JSON for JSON.parse too, except for its large numbers", () => {
  fc.assert(
    fc.property(manifest, (m) => {
      const parsed = JSON.parse(manifestToJson(m)) as Record<string, unknown>
      expect(parsed).toMatchObject({ version: 1, checkpoint_id: m.checkpointId, epoch: m.epoch })
      expect(Object.keys(parsed).filter((name) => name === "manifest_checksum")).toHaveLength(1)
    }),
  )
})

test("property: one flipped bit anywhere is found", () => {
  fc.assert(
    fc.property(manifest, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(7), (m, place, bit) => {
      const bytes = encodeManifest(m)
      const index = Math.floor(place * bytes.length)
      bytes[index] = (bytes[index] ?? 0) ^ (1 << bit)
      expect(decodeManifest(bytes).issues.some((issue) => issue.severity === "fatal")).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})
