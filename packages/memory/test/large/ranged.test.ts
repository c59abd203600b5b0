import { setImmediate } from "node:timers/promises"
import { gate, LeapingClock, settled } from "@ckpt/conformance"
import { BackendError, CheckpointError, type CheckpointStore, createManifest, openCheckpointStore } from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { pattern, type SeenGet, sameBytes, WatchedBackend, type WatchedOptions } from "./watched-backend.js"

const bytes = 1000
const ranges = { bytes, concurrency: 3 }
const stateKey = "checkpoints/state-000001.bin"
const manifestKey = "manifests/manifest-000001.json"

async function saved(size: number, options: Partial<WatchedOptions> = {}) {
  const backend = new WatchedBackend({ ranges, chunkBytes: 100, ...options })
  const store = await openCheckpointStore({ backend, clock: new LeapingClock(), random: () => 0.5 })
  const state = pattern(size)
  await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state })
  return { backend, store, state }
}

const readerOf = async (store: CheckpointStore) => {
  const reader = await store.readState(1)
  if (reader === undefined) throw new Error("there is no state")
  return reader
}

/** Offset and length of the range that was asked for; "all" without a range. */
const asked = (gets: readonly SeenGet[]) =>
  gets.map(({ range }) => (range === undefined ? "all" : [range.offset, range.length]))

const rangesOf = (size: number) =>
  Array.from({ length: Math.ceil(size / bytes) }, (_, index) => [index * bytes, Math.min(bytes, size - index * bytes)])

describe("the ranges that are asked for", () => {
  test.each([0, 1, bytes, 2 * bytes])(
    "a state of %i bytes, no more than two ranges: one request, as it is",
    async (size) => {
      const { backend, store, state } = await saved(size)
      backend.resetCounts()
      expect(sameBytes(await (await readerOf(store)).bytes(), state)).toBe(true)
      expect((await store.verify(1)).valid).toBe(true)
      expect(asked(backend.gets)).toEqual(["all", "all"])
    },
  )

  test.each([2 * bytes + 1, 3 * bytes, 10 * bytes + 7])(
    "a state of %i bytes: each range once, of one version",
    async (size) => {
      const { backend, store, state } = await saved(size)
      backend.resetCounts()
      expect(sameBytes(await (await readerOf(store)).bytes(), state)).toBe(true)
      expect(asked(backend.gets)).toEqual(
        rangesOf(size).map(([offset, length], index) => [offset, index === 0 ? bytes : length]),
      )
      const version = (await backend.head(stateKey))?.version
      expect(backend.gets.map(({ ifVersion }) => ifVersion)).toEqual(
        backend.gets.map((_, index) => (index === 0 ? undefined : version)),
      )
      expect(backend.mostOpenBodies).toBe(ranges.concurrency)
      expect(backend.openBodies).toBe(0)
    },
  )

  test("where the size is not known beforehand: all, of which one range is read, and the others as ranges", async () => {
    const { backend, store } = await saved(4 * bytes + 1)
    backend.resetCounts()
    expect((await store.verify(1)).valid).toBe(true)
    expect(asked(backend.gets)).toEqual(["all", ...rangesOf(4 * bytes + 1).slice(1)])
    // Every chunk that was asked for was handed over.
    expect(backend.given).toBe(41)
    expect(backend.openBodies).toBe(0)
  })

  test("recovery knows the size by the listing", async () => {
    const { backend, store } = await saved(4 * bytes)
    backend.resetCounts()
    expect((await store.recover()).outcome).toBe("recovered")
    expect(asked(backend.gets)).toEqual(rangesOf(4 * bytes))
  })

  test("a part of a state is asked for in ranges of its own", async () => {
    const { backend, store, state } = await saved(6 * bytes)
    backend.resetCounts()
    const reader = await store.readState(1, { offset: 500, length: 3 * bytes + 1 })
    expect(sameBytes(await reader?.bytes(), state.subarray(500, 500 + 3 * bytes + 1))).toBe(true)
    expect(asked(backend.gets)).toEqual([
      [500, bytes],
      [1500, bytes],
      [2500, bytes],
      [3500, 1],
    ])
  })

  test.each([{ ranges: undefined }, { ranges: { bytes, concurrency: 1 } }])(
    "a backend that gains nothing by it, %o: one request",
    async (options) => {
      const backend = new WatchedBackend({ chunkBytes: 100, ...(options.ranges && { ranges: options.ranges }) })
      const store = await openCheckpointStore({ backend })
      const state = pattern(10 * bytes)
      await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state })
      backend.resetCounts()
      expect(sameBytes(await (await readerOf(store)).bytes(), state)).toBe(true)
      expect((await store.recover()).outcome).toBe("recovered")
      expect(asked(backend.gets)).toEqual(["all", "all"])
      expect(backend.mostOpenBodies).toBe(1)
    },
  )
})

describe("order and memory", () => {
  test("whatever arrives first, the bytes come in order", async () => {
    const { backend, store, state } = await saved(7 * bytes + 3)
    const last = gate()
    // The first range of each window waits for the others.
    backend.beforeChunk = async ({ request }) => {
      for (let turn = 0; turn < (8 - request) * 3; turn++) await setImmediate()
      last.open()
    }
    expect(sameBytes(await (await readerOf(store)).bytes(), state)).toBe(true)
    await last.passed
  })

  test("a reader that stands still holds as many ranges as may be under way, and no more are asked for", async () => {
    const { backend, store } = await saved(20 * bytes)
    backend.resetCounts()
    const chunks = (await readerOf(store))[Symbol.asyncIterator]()
    await chunks.next()
    await settled()
    expect(backend.gets.length).toBe(ranges.concurrency)
    // Of the range that is read, three chunks are in memory: the one handed over, the one held back behind it, and the
    // next.
    expect(backend.given).toBe((ranges.concurrency - 1) * 10 + 3)
    for (let index = 1; index < 15; index++) await chunks.next()
    await settled()
    expect(backend.gets.length).toBe(ranges.concurrency + 1)
    await chunks.return?.()
    await settled()
    expect(backend.openBodies).toBe(0)
  })

  test("a reader that leaves closes every body, however early", async () => {
    for (const leaveAfter of [1, 9, 10, 11, 25]) {
      const { backend, store } = await saved(8 * bytes)
      let seen = 0
      for await (const _ of await readerOf(store)) if (++seen === leaveAfter) break
      await settled()
      expect(backend.openBodies).toBe(0)
    }
  })

  test("an abort ends every request with its reason", async () => {
    const { backend, store } = await saved(8 * bytes)
    const stop = new AbortController()
    const reason = new Error("enough")
    const reader = await store.readState(1, { signal: stop.signal })
    const hang = gate()
    backend.beforeChunk = ({ request, index }) => (request === 0 && index === 5 ? hang.passed : undefined)
    const reading = reader?.bytes()
    await settled()
    stop.abort(reason)
    await expect(reading).rejects.toBe(reason)
    hang.open()
    await settled()
    expect(backend.openBodies).toBe(0)
  })
})

describe("failures", () => {
  const failOnce = (backend: WatchedBackend, at: number, error: () => BackendError) => {
    let failed = false
    backend.beforeChunk = ({ position }) => {
      if (position !== at || failed) return
      failed = true
      throw error()
    }
  }
  const transient = () => new BackendError("transient", "the connection was reset")

  test.each([0, 300, 1000, 3700])(
    "a range that breaks off at byte %i goes on there, and nothing else is asked for again",
    async (at) => {
      const { backend, store, state } = await saved(6 * bytes)
      backend.resetCounts()
      failOnce(backend, at, transient)
      expect(sameBytes(await (await readerOf(store)).bytes(), state)).toBe(true)
      const again = [at, bytes - (at % bytes)]
      expect(asked(backend.gets).map(String).sort()).toEqual([...rangesOf(6 * bytes), again].map(String).sort())
      const resumed = backend.gets.filter(({ range }) => range?.offset === at && range.length === again[1]).at(-1)
      expect(resumed?.ifVersion).toBe((await backend.head(stateKey))?.version)
    },
  )

  test("a range that never comes ends the reading with the storage's failure", async () => {
    const { backend, store } = await saved(6 * bytes)
    backend.beforeChunk = ({ position }) => {
      if (position === 3200) throw transient()
    }
    const error = await (await readerOf(store)).bytes().catch((e: unknown) => e)
    expect(error).toMatchObject({ code: "CKPT_IO", retryable: true })
    await settled()
    expect(backend.openBodies).toBe(0)
  })

  /** Runs once the second range is being read. */
  async function whileReading(change: (backend: WatchedBackend) => Promise<unknown>): Promise<unknown> {
    const { backend, store } = await saved(9 * bytes)
    let changed: Promise<unknown> | undefined
    backend.beforeChunk = async ({ position }) => {
      if (position === 1500) changed = change(backend)
      await changed
    }
    const error = await (await readerOf(store)).bytes().catch((e: unknown) => e)
    expect(error).toBeInstanceOf(CheckpointError)
    await settled()
    expect(backend.openBodies).toBe(0)
    return error
  }

  test("a state that is replaced while it is read is damage", async () => {
    const error = await whileReading((backend) => backend.put(stateKey, [pattern(9 * bytes, 2)]))
    expect(error).toMatchObject({ code: "CKPT_CORRUPT" })
  })

  test("a state that is removed alone while it is read is damage", async () => {
    expect(await whileReading((backend) => backend.delete([stateKey]))).toMatchObject({ code: "CKPT_CORRUPT" })
  })

  test("one that is removed with its manifest was pruned", async () => {
    expect(await whileReading((backend) => backend.delete([manifestKey, stateKey]))).toMatchObject({
      code: "CKPT_PRUNED",
    })
  })

  test("bytes that are not those of the manifest: the last chunk is not handed over", async () => {
    const { backend, store, state } = await saved(5 * bytes)
    const damaged = state.slice()
    damaged.set([(damaged[4 * bytes] as number) ^ 1], 4 * bytes)
    await backend.put(stateKey, [damaged])
    let received = 0
    const read = async () => {
      for await (const chunk of await readerOf(store)) received += chunk.length
    }
    await expect(read()).rejects.toMatchObject({ code: "CKPT_CORRUPT" })
    expect(received).toBe(5 * bytes - 100)
    expect((await store.verify(1)).issues).toMatchObject([{ severity: "fatal", code: "state-checksum" }])
  })

  /** Damages bodies of ranges on their way. An answer in one piece has the storage's checksum. */
  const damageRanges = (backend: WatchedBackend) => {
    backend.onWay = ({ request, position }, chunk) => {
      if (position === 3300 && backend.gets[request]?.range !== undefined) chunk.fill(0xee)
    }
  }

  test("bytes that were damaged on their way are read again in one piece before a checkpoint is called damaged", async () => {
    const { backend, store } = await saved(5 * bytes)
    damageRanges(backend)
    backend.resetCounts()
    expect(await store.recover()).toMatchObject({ outcome: "recovered", skipped: [] })
    expect(asked(backend.gets)).toEqual([...rangesOf(5 * bytes), "all"])
  })

  test("bytes that were damaged on their way to a reader: no damage of the checkpoint, and no last chunk", async () => {
    const { backend, store } = await saved(5 * bytes)
    damageRanges(backend)
    let received = 0
    const read = async () => {
      for await (const chunk of await readerOf(store)) received += chunk.length
    }
    await expect(read()).rejects.toMatchObject({ code: "CKPT_IO", retryable: true })
    expect(received).toBe(5 * bytes - 100)
    backend.onWay = () => {}
    await read()
  })

  test("one operator's bytes that were damaged on their way: only they are read again", async () => {
    const { backend, store } = await saved(0)
    const operators = { a: pattern(500), b: pattern(4 * bytes, 2), c: pattern(500) }
    await store.save(createManifest({ checkpointId: 2, epoch: 2 }), { operators, inlineThreshold: 0 })
    const { checkpoint } = await store.recover()
    backend.resetCounts()
    backend.onWay = ({ request }, chunk) => {
      if (request < 4) chunk.fill(0xee)
    }
    await expect(checkpoint?.operator("b")).rejects.toMatchObject({ code: "CKPT_IO", retryable: true })
    expect(asked(backend.gets)).toEqual([
      [500, bytes],
      [1500, bytes],
      [2500, bytes],
      [3500, bytes],
      [500, 4 * bytes],
    ])
  })

  test("a storage that ignores ranges never passes for one that has these bytes", async () => {
    const { backend, store } = await saved(5 * bytes)
    const get = backend.get.bind(backend)
    backend.get = (key, options) => get(key, { ...options, range: undefined })
    await expect((await readerOf(store)).bytes()).rejects.toMatchObject({ code: "CKPT_IO" })
    await settled()
    expect(backend.openBodies).toBe(0)
  })

  test("a state that is shorter or longer than its manifest says", async () => {
    for (const size of [0, 10, 1500, 4 * bytes, 7 * bytes]) {
      const { backend, store } = await saved(5 * bytes)
      await backend.put(stateKey, [pattern(size)])
      await expect((await readerOf(store)).bytes()).rejects.toMatchObject({ code: "CKPT_CORRUPT" })
      await settled()
      expect(backend.openBodies).toBe(0)
      expect((await store.verify(1)).issues).toMatchObject([{ severity: "fatal" }])
    }
  })
})
