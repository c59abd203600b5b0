import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { expect, test } from "vitest"
import { CheckpointError } from "../../src/errors.js"
import { decodeHistory, encodeHistory } from "../../src/format/history-record.js"
import { IdRanges } from "../../src/format/id-ranges.js"
import { createLayout } from "../../src/format/layout.js"
import { checkManifest, createManifest } from "../../src/format/manifest/check.js"
import { decodeManifest, parseManifest } from "../../src/format/manifest/decode.js"
import { encodeManifest, manifestToJson } from "../../src/format/manifest/encode.js"
import { inlineOperator } from "../../src/format/manifest/inline.js"
import type { CheckpointManifest } from "../../src/format/manifest/model.js"
import { CHECKSUM_KEY, OWN_FIELDS } from "../../src/format/manifest/seal.js"
import { checksumMeaning } from "../../src/format/manifest/state-checksum.js"
import { validateManifest } from "../../src/format/manifest/validate.js"
import { decodePointer, encodePointer, noPointer } from "../../src/format/pointer.js"
import { full } from "./manifest/support.js"
import { hasItsChecksum, kindOf, kinds, type Mutation, mutated, mutations } from "./mutations.js"

const saved = createManifest({
  checkpointId: 9,
  epoch: 9,
  timestampMs: 1_700_000_000_000,
  operatorStates: { map: inlineOperator(Buffer.from("state")) },
  sourceNames: ["a", "b"],
  stateSize: 0,
})
const updated = createManifest({ ...saved, stateSize: 5, stateChecksum: "ef".repeat(32), updateToken: "0123abcd" })
const ours: readonly string[] = [full, saved, updated].map(manifestToJson)

const fixtures = join(import.meta.dirname, "..", "fixtures")
const ofReference: readonly string[] = readdirSync(fixtures, { recursive: true, encoding: "utf8" })
  .filter((name) => /manifest(-\d+)?\.json$/.test(name))
  .sort()
  .map((name) => readFileSync(join(fixtures, name), "utf8"))
  // One fixture is damaged in its bytes, and some have ids that no number holds.
  .filter((text) => decodeManifest(Buffer.from(text)).manifest !== undefined)

const some = (texts: readonly string[]) => fc.nat(texts.length - 1).map((index) => texts[index] as string)

/** Inputs of all properties together; `npm run fuzz` gives ten million. */
const inputs = Number(process.env["CKPT_FUZZ"] ?? 100_000)
const share = (part: number) => ({ numRuns: Math.ceil(inputs * part) })
/** Milliseconds: a hundred times what it takes. */
const timeout = Math.max(120_000, inputs * 10)

/** A failure names the kinds of the mutations. */
function withKinds(all: readonly Mutation[], check: () => void): void {
  try {
    check()
  } catch (error) {
    throw new Error(`after ${all.map(kindOf).join(", ")}`, { cause: error })
  }
}

/** The manifest, if the bytes are those of a manifest. Whatever they are, decoding says so in its own way. */
function read(bytes: Uint8Array): CheckpointManifest | undefined {
  const { manifest, issues } = decodeManifest(bytes)
  if (manifest === undefined) {
    expect(issues.some((issue) => issue.severity === "fatal")).toBe(true)
    try {
      parseManifest(bytes)
      expect.fail("parsed")
    } catch (error) {
      expect(error).toBeInstanceOf(CheckpointError)
      expect((error as CheckpointError).code).toBe("CKPT_CORRUPT")
    }
  }
  return manifest
}

/** A manifest that was read can be written again and read back equal, or is not valid. */
function expectWritable(manifest: CheckpointManifest): void {
  checksumMeaning(manifest)
  const options = { vnodeCount: 256, stateSize: Number.MAX_SAFE_INTEGER }
  const isValid = validateManifest(manifest, options).every((issue) => issue.severity !== "fatal")
  let bytes: Uint8Array
  try {
    bytes = encodeManifest(manifest)
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError)
    expect((error as CheckpointError).code).toBe("CKPT_INVALID")
    if (isValid) throw error
    return
  }
  const again = parseManifest(bytes)
  // The reference does not sort its names.
  assert.deepStrictEqual(again, checkManifest(manifest))
  expect(Buffer.from(encodeManifest(again)).equals(bytes)).toBe(true)
}

/** A manifest of ours says so by its fields. */
function hasFieldOfOurs(bytes: Uint8Array): boolean {
  const document = JSON.parse(Buffer.from(bytes).toString()) as object
  return [CHECKSUM_KEY, ...OWN_FIELDS].some((field) => Object.hasOwn(document, field))
}

const cuts = new Set(["truncate a list or an object", "drop bytes"])

test("property: damage of a manifest of ours is found, whatever it is", { timeout }, () => {
  fc.assert(
    fc.property(some(ours), mutations, (text, all) => {
      withKinds(all, () => {
        const bytes = mutated(text, all)
        const manifest = read(bytes)
        if (manifest === undefined) return
        if (hasItsChecksum(bytes)) assert.deepStrictEqual(manifest, parseManifest(text))
        else expect(hasFieldOfOurs(bytes)).toBe(false)
        // One damage leaves some field of ours, unless it takes several at once: they are the last, side by side.
        const takesSeveral = all.map(kindOf).some((kind) => cuts.has(kind))
        if (all.length === 1 && !takesSeveral) assert.deepStrictEqual(manifest, parseManifest(text))
        expectWritable(manifest)
      })
    }),
    share(0.25),
  )
})

test("property: a manifest of the reference with any damage is refused, or can be written again", { timeout }, () => {
  fc.assert(
    fc.property(some(ofReference), mutations, (text, all) => {
      withKinds(all, () => {
        const bytes = mutated(text, all)
        const manifest = read(bytes)
        if (manifest === undefined) return
        if (hasFieldOfOurs(bytes)) expect(hasItsChecksum(bytes)).toBe(true)
        expectWritable(manifest)
      })
    }),
    share(0.2),
  )
})

test("property: any fields under a checksum that fits are refused, or can be written again", { timeout }, () => {
  fc.assert(
    fc.property(some([...ours, ...ofReference]), mutations, (text, all) => {
      withKinds(all, () => {
        const manifest = read(mutated(text, all, true))
        if (manifest !== undefined) expectWritable(manifest)
      })
    }),
    share(0.15),
  )
})

const objects = createLayout("objects")
const directory = createLayout("directory")
const pointers = [
  `{\n  "checkpoint_id": 7\n}`,
  `{
  "checkpoint_id": 42,
  "other": {
    "of": ["another program", 1.50]
  },
  "floor": 40,
  "history": true,
  "token": "0123"
}`,
]

test("property: a pointer with any damage is lost and told, or can be written again", { timeout }, () => {
  fc.assert(
    fc.property(some(pointers), mutations, fc.boolean(), (text, all, isName) => {
      withKinds(all, () => {
        const layout = isName ? directory : objects
        // The bare name is damaged in its bytes alone.
        const bytes = isName ? mutated('"checkpoint_000042"', all).slice(1, -1) : mutated(text, all)
        const { pointer, problem } = decodePointer(layout, bytes, "v1")
        if (problem !== undefined) assert.deepStrictEqual(pointer, { ...noPointer, exists: true, version: "v1" })
        const { checkpointId, saysHistory } = pointer
        const again = decodePointer(
          layout,
          encodePointer(layout, pointer, { checkpointId, saysHistory, token: "t" }),
          "v1",
        )
        if (problem === undefined) {
          expect(again.problem).toBeUndefined()
          // The token is new with each write.
          assert.deepStrictEqual({ ...again.pointer, fields: 0 }, { ...pointer, fields: 0 })
        }
      })
    }),
    share(0.15),
  )
})

test("property: a history with any damage is found", { timeout }, () => {
  const bytes = encodeHistory(
    {
      lineage: "a".repeat(32),
      epoch: 2,
      writer: "b".repeat(32),
      claiming: { epoch: 3, writer: "c".repeat(32) },
      floor: 41,
      kept: IdRanges.of([3, 17, 18]),
      top: 42,
      pins: new Map([["release-1", 17]]),
    },
    "d".repeat(32),
  )
  const text = new TextDecoder().decode(bytes)
  fc.assert(
    fc.property(mutations, (all) => {
      withKinds(all, () => {
        const damaged = mutated(text, all)
        if (Buffer.compare(damaged, bytes) !== 0) expect(decodeHistory(damaged)).toHaveProperty("problem")
      })
    }),
    share(0.15),
  )
})

const names = [
  ...[
    "checkpoints/checkpoint_000007/manifest.json",
    "checkpoints/checkpoint_000007/state.bin",
    "checkpoints/latest.txt",
  ],
  ...[
    "manifests/manifest-000007.json",
    "checkpoints/state-000007.bin",
    "manifests/latest.json",
    "manifests/history.json",
  ],
  ...["checkpoints/.ckpt-probe-0123456789abcdef", "checkpoints/checkpoint_1000000/manifest.json", "nodes/a/b"],
]

test("property: a name with any damage is another's, or is exactly the name of what it says", { timeout }, () => {
  fc.assert(
    fc.property(some(names), mutations, fc.boolean(), (name, all, isDirectory) => {
      withKinds(all, () => {
        const layout = isDirectory ? directory : objects
        // As a text of JSON; its quotes are no part of it.
        const key = Buffer.from(mutated(JSON.stringify([name]), all))
          .toString()
          .replaceAll(/^\[\s*"|"\s*\]$/g, "")
        const meaning = layout.meaning(key)
        const id = "id" in meaning ? meaning.id : undefined
        if (id === undefined) return
        expect(Number.isSafeInteger(id) && id >= 0).toBe(true)
        // Two names for one checkpoint would be two checkpoints.
        if (meaning.kind === "manifest") expect(layout.manifestKey(id)).toBe(key)
        if (meaning.kind === "state") expect(layout.stateKey(id)).toBe(key)
      })
    }),
    share(0.1),
  )
})

test("every kind of mutation changes some manifest", () => {
  const text = manifestToJson(full)
  for (const [kind, name] of kinds.entries()) {
    const changes = Array.from({ length: 50 }, (_, place) =>
      mutated(text, [{ kind, place, other: place * 7 + 1, choice: place }]),
    )
    if (changes.every((bytes) => Buffer.from(bytes).toString() === text)) expect.fail(name)
  }
  // And a document without a mutation stays as it was.
  for (const one of [...ours, ...ofReference.filter((each) => each.includes('\n  "')), ...pointers.slice(0, 1)]) {
    expect(Buffer.from(mutated(one, [])).toString()).toBe(one)
  }
})
