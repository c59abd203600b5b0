import { expect, test } from "vitest"
import { createManifest } from "../../src/format/manifest/check.js"
import type { ObjectMeta } from "../../src/storage/backend.js"
import { Memory } from "../../src/verify/memory.js"
import type { Verified } from "../../src/verify/verified.js"

const meta = (version: string): ObjectMeta => ({ key: "k", size: 1, version, lastModified: new Date(5) })
const checksum = "a".repeat(64)

/** A sound checkpoint with a state, unless `change` says otherwise. */
function verified(change: Partial<Verified> = {}): Verified {
  const manifest = { ...createManifest({ checkpointId: 7, epoch: 3 }), stateChecksum: checksum, stateSize: 1 }
  const found = { manifest, manifestMeta: meta("m1"), stateMeta: meta("s1"), issues: [], valid: true, gone: false }
  return { id: 7, ...found, ...change }
}

test("a checkpoint is recalled if manifest and state have the same versions, and only then", () => {
  const memory = new Memory()
  const outline = memory.note(verified(), "shallow", undefined)
  expect(outline).toMatchObject({ id: 7, epoch: 3, valid: true, stateSize: 1, lastModified: new Date(5) })
  expect(memory.recall(7, meta("m1"), meta("s1"))).toBe(outline)
  for (const [manifest, state] of [
    ["m2", "s1"],
    ["m1", "s2"],
    ["m1", undefined],
  ] as const) {
    expect(memory.recall(7, meta(manifest), state === undefined ? undefined : meta(state))).toBeUndefined()
  }
  expect(memory.recall(8, meta("m1"), meta("s1"))).toBeUndefined()
})

test("a manifest that was written again with the same bytes has its new time, also where its version is the same", () => {
  const memory = new Memory()
  const outline = memory.note(verified(), "shallow", undefined)
  const lastModified = new Date(9)
  expect(memory.recall(7, { ...meta("m1"), lastModified }, meta("s1"))).toEqual({ ...outline, lastModified })
})

test("a checkpoint without a state of its own is recalled by the version of the state that was listed beside it", () => {
  const memory = new Memory()
  memory.note(verified({ stateMeta: undefined }), "shallow", meta("beside"))
  expect(memory.recall(7, meta("m1"), meta("beside"))).toBeDefined()
  expect(memory.recall(7, meta("m1"), undefined)).toBeUndefined()
})

test("damage of a state stays remembered, through shallow looks, updates and unreadable manifests, until a deep look finds none", () => {
  const memory = new Memory()
  memory.note(verified({ valid: false }), "deep", undefined)
  const steps = [
    verified(),
    verified({ manifestMeta: meta("m2") }),
    verified({ manifestMeta: meta("m3"), manifest: undefined, stateMeta: undefined, valid: false }),
    verified({ manifestMeta: meta("m4") }),
  ]
  for (const step of steps) {
    memory.note(step, "shallow", undefined)
    if (step.manifest !== undefined) expect(memory.isDamaged(step)).toBe(true)
  }
  const outline = memory.recall(7, meta("m4"), meta("s1"))
  expect(outline?.valid).toBe(false)
  expect(outline?.issues.map(({ code }) => code)).toEqual(["state-checksum"])
  memory.note(verified(), "deep", undefined)
  expect(memory.isDamaged(verified())).toBe(false)
  expect(memory.recall(7, meta("m1"), meta("s1"))?.valid).toBe(true)
})

test("another state under the same id is not taken for the damaged state", () => {
  const memory = new Memory()
  memory.note(verified({ valid: false }), "deep", undefined)
  const other = { ...createManifest({ checkpointId: 7, epoch: 3 }), stateChecksum: "b".repeat(64), stateSize: 1 }
  expect(memory.note(verified({ manifest: other }), "shallow", undefined)?.valid).toBe(true)
})

test.each([undefined, meta("s1")])(
  "a state of another version has the damage of the earlier state no more",
  (stateMeta) => {
    const memory = new Memory()
    memory.note(verified({ valid: false, stateMeta }), "deep", undefined)
    expect(memory.note(verified({ stateMeta: meta("s2") }), "shallow", undefined)?.valid).toBe(true)
  },
)

test("a checkpoint that is gone or not listed any more is forgotten, its damage is not", () => {
  const memory = new Memory()
  for (const id of [1, 2, 3]) memory.note(verified({ id, valid: id !== 2 }), "deep", undefined)
  memory.note(verified({ id: 3, gone: true, manifestMeta: undefined }), "shallow", undefined)
  memory.keep(new Set([9]))
  expect([1, 2, 3].map((id) => memory.recall(id, meta("m1"), meta("s1")) !== undefined)).toEqual([false, true, false])
  memory.forget(2)
  expect(memory.isDamaged(verified({ id: 2 }))).toBe(false)
})

test("a hundred thousand checkpoints are remembered and recalled", () => {
  const memory = new Memory()
  const ids = Array.from({ length: 100_000 }, (_, index) => index + 1)
  const one = verified()
  for (const id of ids) memory.note({ ...one, id }, "shallow", undefined)
  expect(ids.every((id) => memory.recall(id, meta("m1"), meta("s1"))?.id === id)).toBe(true)
  memory.keep(new Set([5]))
  expect(ids.filter((id) => memory.recall(id, meta("m1"), meta("s1")))).toEqual([5])
})
