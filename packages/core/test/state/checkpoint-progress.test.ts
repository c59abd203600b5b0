import { createHash } from "node:crypto"
import { expect, test } from "vitest"
import { Gate } from "../../src/async/gate.js"
import { createLayout } from "../../src/format/layout.js"
import { createManifest } from "../../src/format/manifest/check.js"
import type { OperatorState } from "../../src/format/manifest/model.js"
import type { Progress } from "../../src/options.js"
import { openCheckpoint } from "../../src/state/checkpoint.js"
import { Place } from "../../src/storage/place.js"
import type { StreamOptions } from "../../src/storage/read-ranges.js"
import type { Storage } from "../../src/storage/storage.js"

const state = Uint8Array.from({ length: 100 }, (_, index) => index)
const external = (externalOffset: number, externalLength: number): OperatorState => ({
  stateB64: null,
  external: true,
  externalOffset,
  externalLength,
})

/** A checkpoint whose state comes in chunks of 15 bytes. */
function opened() {
  async function* stream(_: string, { offset = 0, length = state.length, onOpen }: StreamOptions) {
    onOpen?.({ key: "k", size: state.length, version: "v", lastModified: new Date(0) })
    const bytes = state.subarray(offset, offset + length)
    for (let at = 0; at < bytes.length; at += 15) yield bytes.subarray(at, at + 15)
    return "complete"
  }
  const storage = { stream, backend: { name: "test" } } as unknown as Storage
  const place = new Place(storage, createLayout("objects"), new Gate((what) => new Error(what)))
  const manifest = {
    ...createManifest({ checkpointId: 1, epoch: 1 }),
    stateSize: state.length,
    stateChecksum: createHash("sha256").update(state).digest("hex"),
    operatorStates: { first: external(0, 40), second: external(40, 60) },
  }
  const told: number[] = []
  const onProgress = ({ phase, bytesDone, bytesTotal }: Progress) => {
    expect([phase, bytesTotal]).toEqual(["read", state.length])
    told.push(bytesDone)
  }
  const options = { stateMeta: undefined, onProgress }
  return { checkpoint: openCheckpoint({ place, counts: async () => true }, manifest, options), told }
}

test("reading the whole state tells each chunk that is handed over", async () => {
  const { checkpoint, told } = opened()
  await (await checkpoint.state())?.bytes()
  expect(told).toEqual([15, 30, 45, 60, 75, 90, 100])
})

test("reading operators in any order adds up to the state; an operator that is read again counts once", async () => {
  const { checkpoint, told } = opened()
  await checkpoint.operator("second")
  expect(told).toEqual([15, 30, 45, 60])
  await checkpoint.operator("second")
  expect(told).toEqual([15, 30, 45, 60])
  await checkpoint.operator("first")
  expect(told).toEqual([15, 30, 45, 60, 75, 90, 100])
  await (await checkpoint.state())?.bytes()
  expect(told).toEqual([15, 30, 45, 60, 75, 90, 100])
})
