import {
  type CheckpointStore,
  createManifest,
  openCheckpointStore,
  type Progress,
  type StateSource,
  type StoreOptions,
} from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { MemoryBackend } from "../../src/index.js"
import { Line } from "./line.js"
import { pattern, sameBytes, WatchedBackend } from "./watched-backend.js"

const KiB = 1024
const MiB = 1024 * KiB

const manifestOf = (id: number) => createManifest({ checkpointId: id, epoch: id })

async function* stream(content: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < content.length; offset += chunkBytes) yield content.slice(offset, offset + chunkBytes)
}

/** The reports, checked as they come: they rise, and never pass their total. */
function listener() {
  const told: Progress[] = []
  const onProgress = (progress: Progress) => {
    expect(progress.bytesDone).toBeGreaterThanOrEqual(told.at(-1)?.bytesDone ?? 0)
    expect(progress.bytesDone).toBeLessThanOrEqual(progress.bytesTotal ?? Number.POSITIVE_INFINITY)
    told.push(progress)
  }
  return { told, onProgress }
}

const opened = (options: StoreOptions = {}): Promise<CheckpointStore> =>
  openCheckpointStore({ backend: new MemoryBackend(), ...options })

const done = (phase: Progress["phase"], bytes: number[], total: number | undefined, size: number): Progress[] => [
  ...bytes.map((bytesDone) => ({ phase, bytesDone, ...(total === undefined ? {} : { bytesTotal: total }) })),
  { phase, bytesDone: size, bytesTotal: size },
]

/** A stream is written in pieces of 256 KiB. The report of the end covers the last piece. */
const streamed = (size: number) =>
  Array.from({ length: Math.ceil(size / (256 * KiB)) - 1 }, (_, index) => (index + 1) * 256 * KiB)

describe("save", () => {
  const content = pattern(3 * MiB + 5)
  const large = pattern(9 * MiB + 1)
  const forms: Record<string, { state: () => StateSource; size: number; told: Progress[] }> = {
    // Small enough to be sent in one piece, whatever its pieces.
    "one piece": { state: () => content, size: content.length, told: done("write", [], undefined, content.length) },
    "an array of pieces": {
      state: () => [content.subarray(0, 10), content.subarray(10)],
      size: content.length,
      told: done("write", [], undefined, content.length),
    },
    nothing: { state: () => new Uint8Array(), size: 0, told: done("write", [], undefined, 0) },
    "large, in memory": {
      state: () => large,
      size: large.length,
      told: done(
        "write",
        [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => n * MiB),
        large.length,
        large.length,
      ),
    },
    "a stream, whose size shows at its end": {
      state: () => stream(content, MiB),
      size: content.length,
      told: done("write", streamed(content.length), undefined, content.length),
    },
    "a stream of nothing": { state: () => stream(new Uint8Array(), 1), size: 0, told: done("write", [], undefined, 0) },
  }
  test.each(Object.entries(forms))("%s", async (_, { state, size, told }) => {
    for (const layout of ["objects", "directory"] as const) {
      const store = await opened({ layout })
      const heard = listener()
      const receipt = await store.save(manifestOf(1), { state: state(), onProgress: heard.onProgress })
      expect(receipt.stateSize).toBe(size)
      expect(heard.told).toEqual(told)
    }
  })

  test("operators: the state that all of them make together", async () => {
    const store = await opened()
    const heard = listener()
    const operators = { a: pattern(100 * KiB), b: stream(pattern(2 * MiB), MiB), small: pattern(10) }
    const receipt = await store.save(manifestOf(1), { operators, onProgress: heard.onProgress })
    const size = 100 * KiB + 2 * MiB + 10
    expect(receipt.stateSize).toBe(size)
    expect(heard.told).toEqual(done("write", streamed(size), undefined, size))
  })

  test("a save without a state, or of one that was written ahead, writes none", async () => {
    const store = await opened()
    const heard = listener()
    await store.save(manifestOf(1), { onProgress: heard.onProgress })
    await store.save(manifestOf(2), { operators: { small: pattern(10) }, onProgress: heard.onProgress })
    expect(heard.told).toEqual([])
  })

  test("a state that is there already is done all the same", async () => {
    const store = await opened()
    const manifest = manifestOf(1)
    await store.save(manifest, { state: large })
    const heard = listener()
    const receipt = await store.save(manifest, { state: large, onProgress: heard.onProgress })
    expect(receipt.outcome).toBe("existed")
    expect(heard.told.at(-1)).toEqual({ phase: "write", bytesDone: large.length, bytesTotal: large.length })
  })

  test("never more calls than pieces, also of many small chunks", async () => {
    const store = await opened()
    const heard = listener()
    await store.save(manifestOf(1), { state: stream(pattern(MiB), 4 * KiB), onProgress: heard.onProgress })
    expect(heard.told.map(({ bytesDone }) => bytesDone)).toEqual([256, 512, 768, 1024].map((n) => n * KiB))
  })
})

describe("verify", () => {
  const tell = async (size: number) => {
    const backend = new WatchedBackend({ chunkBytes: 400 })
    const store = await openCheckpointStore({ backend })
    await store.save(manifestOf(1), { state: pattern(size) })
    const heard = listener()
    expect((await store.verify(1, { onProgress: heard.onProgress })).valid).toBe(true)
    return heard.told
  }

  test("each chunk that was read, and the total at the end", async () => {
    expect(await tell(1000)).toEqual(done("verify", [400, 800], 1000, 1000))
    expect(await tell(800)).toEqual(done("verify", [400], 800, 800))
    expect(await tell(0)).toEqual(done("verify", [], undefined, 0))
  })

  test("in ranges as well", async () => {
    const line = new Line({ rate: 1 })
    const ranges = { bytes: 1000, concurrency: 2 }
    const backend = new WatchedBackend({ chunkBytes: 400, ranges, carry: (...sent) => line.carry(...sent) })
    const store = await openCheckpointStore({ backend, clock: line })
    await store.save(manifestOf(1), { state: pattern(2500) })
    const heard = listener()
    expect((await store.verify(1, { onProgress: heard.onProgress })).valid).toBe(true)
    expect(backend.gets.length).toBeGreaterThan(1)
    const steps = heard.told.map(({ bytesDone }) => bytesDone)
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b))
    expect(heard.told.at(-1)).toEqual({ phase: "verify", bytesDone: 2500, bytesTotal: 2500 })
  })

  test("where no state is read nothing is told", async () => {
    const store = await opened()
    await store.save(manifestOf(1), { state: pattern(10) })
    await store.save(manifestOf(2))
    const heard = listener()
    await store.verify(1, { depth: "shallow", onProgress: heard.onProgress })
    await store.verify(2, { onProgress: heard.onProgress })
    await store.verify(3, { onProgress: heard.onProgress })
    expect(heard.told).toEqual([])
  })
})

describe("readState", () => {
  async function saved(size: number) {
    const store = await openCheckpointStore({ backend: new WatchedBackend({ chunkBytes: 400 }) })
    const state = pattern(size)
    await store.save(manifestOf(1), { state })
    return { store, state }
  }

  test("each chunk as it is handed over, and the total with the last one", async () => {
    const { store, state } = await saved(1000)
    const heard = listener()
    const reader = await store.readState(1, { onProgress: heard.onProgress })
    expect(heard.told).toEqual([])
    expect(sameBytes(await reader?.bytes(), state)).toBe(true)
    expect(heard.told).toEqual(done("read", [400, 800], 1000, 1000))
  })

  test("of a part, the part's; of nothing, once", async () => {
    const { store } = await saved(1000)
    const part = listener()
    await (await store.readState(1, { offset: 100, length: 500, onProgress: part.onProgress }))?.bytes()
    expect(part.told).toEqual(done("read", [400], 500, 500))
    const nothing = listener()
    await (await store.readState(1, { offset: 1000, onProgress: nothing.onProgress }))?.bytes()
    expect(nothing.told).toEqual(done("read", [], undefined, 0))
  })

  test("a state that is read again starts again", async () => {
    const { store } = await saved(1000)
    const told: number[] = []
    const reader = await store.readState(1, { onProgress: ({ bytesDone }) => told.push(bytesDone) })
    for await (const _ of reader ?? []) break
    await reader?.bytes()
    await reader?.bytes()
    expect(told).toEqual([400, 400, 800, 1000, 400, 800, 1000])
  })
})

test("what a listener throws, or rejects with, is its own affair", async () => {
  const store = await opened()
  let calls = 0
  const onProgress = (): never => {
    calls++
    throw new Error("of the listener")
  }
  const late = async () => {
    calls++
    throw new Error("of the listener, later")
  }
  await store.save(manifestOf(1), { state: stream(pattern(3 * MiB), MiB), onProgress })
  await store.save(manifestOf(2), { state: stream(pattern(3 * MiB), MiB), onProgress: late })
  expect((await store.verify(1, { onProgress })).valid).toBe(true)
  expect((await (await store.readState(1, { onProgress }))?.bytes())?.length).toBe(3 * MiB)
  expect(calls).toBe(12 + 12 + 3 + 3)
})
