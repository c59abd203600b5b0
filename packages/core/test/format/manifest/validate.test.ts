import { describe, expect, test } from "vitest"
import { createManifest } from "../../../src/format/manifest/check.js"
import type { CheckpointManifest } from "../../../src/format/manifest/model.js"
import { type ValidateOptions, validateManifest } from "../../../src/format/manifest/validate.js"

const good = createManifest({ checkpointId: 3, epoch: 2, timestampMs: 5 })
const none = { stateB64: null, external: false, externalOffset: 0, externalLength: 0 }

const found = (change: Partial<CheckpointManifest>, options: Partial<ValidateOptions> = {}): string[] =>
  validateManifest({ ...good, ...change }, { vnodeCount: 256, ...options }).map(
    (i) => `${i.severity} ${i.code}: ${i.message}`,
  )

test("a good manifest has no issues", () => {
  expect(found({}, { expectedId: 3, stateSize: 0 })).toEqual([])
})

const connector = { epoch: 1, offsets: {} }
test.each<[Partial<CheckpointManifest>, string]>([
  [{ version: 0 }, "version-zero: manifest validation: version is 0"],
  [{ timestampMs: 0 }, "timestamp-zero: manifest validation: timestamp_ms is 0"],
  [
    { sinkEpochs: { a: 1, constructor: 1 }, sinkCommitStatuses: { a: { status: "pending" } } },
    "sink-status-missing: manifest validation: sink_epochs.constructor: this sink has an epoch but no commit status",
  ],
  [
    { sourceNames: ["a"], sourceOffsets: { a: connector, "b c": connector } },
    'source-unnamed: manifest validation: source_offsets["b c"]: not in source_names',
  ],
  [{ vnodeCount: 0 }, "vnode-count: manifest validation: vnode_count is 0 (missing or legacy checkpoint)"],
  [{ vnodeCount: 128 }, "vnode-count: manifest validation: vnode_count is 128, but this store expects 256"],
  [{ stateSize: 5 }, "state-unverified: manifest validation: there is a state, and state_checksum is null"],
])("warns of %o", (change, expected) => {
  const issues = found(change)
  expect(issues).toHaveLength(1)
  expect(issues[0]).toContain(`warning ${expected}`)
})

test("a manifest that records no sink statuses and no source names has no issue for lacking them", () => {
  expect(found({ sinkEpochs: { a: 1 }, sourceOffsets: { a: connector } })).toEqual([])
})

test("a state beside a manifest without a size belongs to it; a state beside size 0 does not", () => {
  expect(found({}, { stateSize: 5 })[0]).toContain("state-unverified")
  expect(found({ stateSize: 0 }, { stateSize: 5 })).toEqual([])
  expect(found({ stateSize: 5, stateChecksum: "0".repeat(64) })).toEqual([])
})

test.each<[Partial<CheckpointManifest>, Partial<ValidateOptions>, string]>([
  [{ checkpointId: 0 }, {}, "id-zero: epoch or checkpoint_id is 0 — likely corrupted"],
  [{ epoch: 0 }, {}, "epoch-zero: epoch or checkpoint_id is 0 — likely corrupted"],
  [{ version: 2 }, {}, "manifest-version: manifest version 2 is newer than 1"],
  [{}, { expectedId: 4 }, "id-mismatch: the manifest of checkpoint 4 says checkpoint_id 3"],
  [{ operatorStates: { o: { ...none, stateB64: "aGVsbG9=" } } }, {}, "operator-base64: operator_states.o: state_b64"],
])("fatal: %o %o", (change, options, expected) => {
  const issues = found(change, options)
  expect(issues).toHaveLength(1)
  expect(issues[0]).toContain(`fatal ${expected}`)
})

describe("external ranges", () => {
  const max = Number.MAX_SAFE_INTEGER
  const range = (externalOffset: number, externalLength: number, stateSize?: number): string[] =>
    found({
      operatorStates: { o: { ...none, external: true, externalOffset, externalLength } },
      stateChecksum: "0".repeat(64),
      ...(stateSize === undefined ? {} : { stateSize }),
    })

  test.each([
    [0, 10, 10],
    [10, 0, 10],
    [4, 6, 10],
    [0, 0, 0],
    [0, 5, undefined],
    [max, 0, max],
  ])("%d + %d is inside %s", (offset, length, size) => {
    expect(range(offset, length, size)).toEqual([])
  })

  test.each([
    [0, 11, 10],
    [11, 0, 10],
    [5, 6, 10],
    [0, 1, 0],
    [max, max, 10],
    [1, max, max],
    [max, 1, undefined],
    [Number.NaN, 0, 10],
    [0, Number.NaN, 10],
    [-1, 5, 10],
    [5, -1, 10],
  ])("%d + %d is outside %s", (offset, length, size) => {
    expect(range(offset, length, size)).toHaveLength(1)
    expect(range(offset, length, size)[0]).toContain("fatal operator-range: operator_states.o: ")
  })

  test("are compared with the size of the found state if the manifest has no size", () => {
    const operatorStates = { o: { ...none, external: true, externalLength: 5 } }
    const stateChecksum = "0".repeat(64)
    expect(found({ operatorStates, stateChecksum }, { stateSize: 5 })).toEqual([])
    expect(found({ operatorStates, stateChecksum }, { stateSize: 4 })[0]).toContain("operator-range")
    expect(found({ operatorStates, stateChecksum }, { stateSize: 0 })[0]).toContain("operator-range")
    expect(found({ operatorStates, stateChecksum, stateSize: 4 }, { stateSize: 5 })[0]).toContain("operator-range")
  })
})
