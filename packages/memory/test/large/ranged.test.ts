import { setImmediate } from "node:timers/promises"
import { gate, settled } from "@ckpt/conformance"
import { BackendError, CheckpointError, type CheckpointStore, createManifest, openCheckpointStore } from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { Line } from "./line.js"
import { pattern, type SeenGet, sameBytes, WatchedBackend } from "./watched-backend.js"

const bytes = 1000
const ranges = { bytes, concurrency: 3 }
const stateKey = "checkpoints/state-000001.bin"
const manifestKey = "manifests/manifest-000001.json"

/** A state on a line that is slow enough for ranges: a chunk takes 100 ms. */
async function saved(size: number) {
  const line = new Line({ rate: 1 })
  const backend = new WatchedBackend({ ranges, chunkBytes: 100, carry: (...sent) => line.carry(...sent) })
  const store = await openCheckpointStore({ backend, clock: line, random: () => 0.5 })
  const state = pattern(size)
  await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state })
  backend.resetCounts()
  return { backend, store, state, line }
}

const readerOf = async (store: CheckpointStore) => {
  const reader = await store.readState(1)
  if (reader === undefined) throw new Error("there is no state")
  return reader
}

/** Offset and length of the range that was asked for; "all" without a range. */
const asked = (gets: readonly SeenGet[]) =>
  gets.map(({ range }) => (range === undefined ? "all" : [range.offset, range.length]))

/** The ranges that were asked for beside the first answer. Each begins where the one before ends, and the last at the end. */
function behind(first: SeenGet["range"] | "all", gets: readonly SeenGet[], end: number): [number, number][] {
  expect(asked(gets)[0]).toEqual(first === "all" ? first : [first?.offset, first?.length])
  const others = gets.slice(1).map(({ range }): [number, number] => [range?.offset ?? 0, range?.length ?? 0])
  const [cut = end] = others[0] ?? []
  expect(others.reduce((at, [offset, length]) => (offset === at ? at + length : Number.NaN), cut)).toBe(end)
  return others
}

describe("the ranges that are asked for", () => {
  test.each([0, 1, bytes, 2 * bytes])(
    "a state of %i bytes, no more than two ranges: one request, as it is",
    async (size) => {
      const { backend, store, state } = await saved(size)
      expect(sameBytes(await (await readerOf(store)).bytes(), state)).toBe(true)
      expect((await store.verify(1)).valid).toBe(true)
      expect(asked(backend.gets)).toEqual(["all", "all"])
    },
  )

  test.each([2 * bytes + 1, 3 * bytes, 10 * bytes + 7])(
    "a state of %i bytes: all of it, then ranges in place of what had not come, each once, of one version",
    async (size) => {
      const { backend, store, state } = await saved(size)
      expect(sameBytes(await (await readerOf(store)).bytes(), state)).toBe(true)
      expect(behind("all", backend.gets, size).length).toBeGreaterThan(0)
      const version = (await backend.head(stateKey))?.version
      expect(backend.gets.map(({ ifVersion }) => ifVersion)).toEqual(
        backend.gets.map((_, index) => (index === 0 ? undefined : version)),
      )
      if (size > 3 * bytes) expect(backend.mostOpenBodies).toBe(ranges.concurrency)
      expect(backend.openBodies).toBe(0)
    },
  )

  test("recovery and verification read so too", async () => {
    const { backend, store } = await saved(6 * bytes)
    expect((await store.verify(1)).valid).toBe(true)
    expect(behind("all", backend.gets, 6 * bytes).length).toBeGreaterThan(0)
    backend.resetCounts()
    expect((await store.recover()).outcome).toBe("recovered")
    expect(behind("all", backend.gets, 6 * bytes).length).toBeGreaterThan(0)
    expect(backend.openBodies).toBe(0)
  })

  test("a part of a state: no byte beside it", async () => {
    const { backend, store, state } = await saved(6 * bytes)
    const reader = await store.readState(1, { offset: 500, length: 3 * bytes + 1 })
    expect(sameBytes(await reader?.bytes(), state.subarray(500, 500 + 3 * bytes + 1))).toBe(true)
    expect(behind({ offset: 500, length: 3 * bytes + 1 }, backend.gets, 3501).length).toBeGreaterThan(0)
  })

  test.each([{ ranges: undefined }, { ranges: { bytes, concurrency: 1 } }])(
    "a backend that gains nothing by it, %o: one request",
    async (options) => {
      const line = new Line({ rate: 1 })
      const carry = (...sent: Parameters<Line["carry"]>) => line.carry(...sent)
      const backend = new WatchedBackend({ chunkBytes: 100, carry, ...(options.ranges && { ranges: options.ranges }) })
      const store = await openCheckpointStore({ backend, clock: line })
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

  test("a reader that stands still holds as many bytes as the ranges that may be under way, and no more are asked for", async () => {
    const { backend, store, line } = await saved(20 * bytes)
    let furthest = 0
    backend.beforeChunk = ({ position }) => {
      furthest = Math.max(furthest, position + 100)
    }
    const chunks = (await readerOf(store))[Symbol.asyncIterator]()
    let given = 0
    const most = ranges.bytes * ranges.concurrency
    for (const until of [3 * bytes, 9 * bytes]) {
      while (given < until) given += (await chunks.next()).value?.length ?? 0
      await line.quiet()
      // One chunk is held back behind the one that was handed over.
      expect(furthest - given).toBeLessThanOrEqual(most + 100)
      expect(furthest - given).toBeGreaterThan(most / 2)
    }
    await chunks.return?.()
    await settled()
    expect(backend.openBodies).toBe(0)
  })

  test("a reader that leaves closes every body, however early", async () => {
    for (const leaveAfter of [1, 9, 10, 11, 25]) {
      const { backend, store, line } = await saved(8 * bytes)
      let seen = 0
      for await (const _ of await readerOf(store)) if (++seen === leaveAfter) break
      await line.quiet()
      expect(backend.openBodies).toBe(0)
    }
  })

  test("an abort ends every request with its reason", async () => {
    const { backend, store, line } = await saved(8 * bytes)
    const stop = new AbortController()
    const reason = new Error("enough")
    const reader = await store.readState(1, { signal: stop.signal })
    const hang = gate()
    backend.beforeChunk = ({ request, index }) => (request > 0 || index === 12 ? hang.passed : undefined)
    const reading = reader?.bytes()
    reading?.catch(() => {})
    await line.quiet()
    expect(backend.openBodies).toBeGreaterThan(1)
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

  /** What is asked for where nothing fails. Time passes by events alone, so every reading asks for the same. */
  async function undisturbed(size: number) {
    const { backend, store } = await saved(size)
    await (await readerOf(store)).bytes()
    return asked(backend.gets) as ("all" | [number, number])[]
  }

  test.each([0, 1, 3])(
    "request %i breaks off: it goes on there, and nothing else is asked for again",
    async (request) => {
      const all = await undisturbed(6 * bytes)
      const { backend, store, state } = await saved(6 * bytes)
      const [offset, length] = all[request] === "all" ? [0, 6 * bytes] : (all[request] as [number, number])
      failOnce(backend, offset + 100, transient)
      expect(sameBytes(await (await readerOf(store)).bytes(), state)).toBe(true)
      const again = [offset + 100, length - 100]
      const expected = request === 0 ? [again] : [...all, again]
      expect(asked(backend.gets).map(String)).toEqual(expect.arrayContaining(expected.map(String)))
      const resumed = backend.gets
        .filter(({ range }) => range?.offset === again[0] && range?.length === again[1])
        .at(-1)
      expect(resumed?.ifVersion).toBe((await backend.head(stateKey))?.version)
    },
  )

  test("the first answer breaks off after it was cut: only what comes before the cut is asked for again", async () => {
    const all = await undisturbed(6 * bytes)
    const [cut] = all[1] as [number, number]
    const { backend, store, state } = await saved(6 * bytes)
    const at = Math.floor((cut - 1) / 100) * 100
    failOnce(backend, at, transient)
    expect(sameBytes(await (await readerOf(store)).bytes(), state)).toBe(true)
    expect(asked(backend.gets)).toContainEqual([at, cut - at])
  })

  test("a range that never comes ends the reading with the storage's failure", async () => {
    const { backend, store } = await saved(6 * bytes)
    backend.beforeChunk = ({ position }) => {
      if (position >= 3200) throw transient()
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
    backend.beforeChunk = async ({ request }) => {
      if (request === 1) changed ??= change(backend)
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

  test("a state that is written again with the same bytes while it is restored is no damage: the next try restores it", async () => {
    const { backend, store, state } = await saved(9 * bytes)
    let changed: Promise<unknown> | undefined
    backend.beforeChunk = async ({ request }) => {
      if (request === 1) changed ??= backend.put(stateKey, [state])
      await changed
    }
    const restored = () => store.restore(async (checkpoint) => (await checkpoint.state())?.bytes())
    await expect(restored()).rejects.toMatchObject({ code: "CKPT_IO", retryable: true })
    expect(sameBytes((await restored()).value, state)).toBe(true)
    await settled()
    expect(backend.openBodies).toBe(0)
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
    expect(received).toBeLessThan(5 * bytes)
    expect((await store.verify(1)).issues).toMatchObject([{ severity: "fatal", code: "state-checksum" }])
  })

  /** Damages bodies of ranges on their way. An answer in one piece has the storage's checksum. */
  const damageRanges = (backend: WatchedBackend) => {
    backend.onWay = ({ request, position }, chunk) => {
      if (position >= 3300 && backend.gets[request]?.range !== undefined) chunk.fill(0xee)
    }
  }

  test("bytes that were damaged on their way are read again in one piece before a checkpoint is called damaged", async () => {
    const { backend, store } = await saved(5 * bytes)
    damageRanges(backend)
    backend.resetCounts()
    expect(await store.recover()).toMatchObject({ outcome: "recovered", skipped: [] })
    expect(asked(backend.gets).at(-1)).toBe("all")
    behind("all", backend.gets.slice(0, -1), 5 * bytes)
  })

  test("bytes that were damaged on their way to a reader: no damage of the checkpoint, and no last chunk", async () => {
    const { backend, store } = await saved(5 * bytes)
    damageRanges(backend)
    let received = 0
    const read = async () => {
      for await (const chunk of await readerOf(store)) received += chunk.length
    }
    await expect(read()).rejects.toMatchObject({ code: "CKPT_IO", retryable: true })
    expect(received).toBeLessThan(5 * bytes)
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
      if (request === 0) chunk.fill(0xee)
    }
    await expect(checkpoint?.operator("b")).rejects.toMatchObject({ code: "CKPT_IO", retryable: true })
    expect(asked(backend.gets).at(-1)).toEqual([500, 4 * bytes])
    behind({ offset: 500, length: 4 * bytes }, backend.gets.slice(0, -1), 4500)
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
