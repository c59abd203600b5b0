import { createManifest, openCheckpointStore } from "@ckpt/core"
import { parallelRanges } from "@ckpt/core/adapter"
import { describe, expect, test } from "vitest"
import { Line, type LineOptions } from "./line.js"
import { pattern, sameBytes, WatchedBackend } from "./watched-backend.js"

const MiB = 1024 * 1024
const size = 64 * MiB
const state = pattern(size)
/** Bytes a millisecond of a megabyte a second. */
const MBps = 1_000

/** Reads a state over a line. `workMs`: what the reader does with each chunk. */
async function read(options: LineOptions, { bytes = size, workMs = 0, chunkBytes = 256 * 1024 } = {}) {
  const line = new Line({ latencyMs: 10, ...options })
  const backend = new WatchedBackend({ ranges: parallelRanges, chunkBytes, carry: (...sent) => line.carry(...sent) })
  const store = await openCheckpointStore({ backend, clock: line })
  await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state: state.subarray(0, bytes) })
  backend.resetCounts()
  let given = 0
  let mostAhead = 0
  backend.beforeChunk = ({ position }) => {
    mostAhead = Math.max(mostAhead, position - given)
  }
  const since = line.monotonic()
  const chunks: Uint8Array[] = []
  for await (const chunk of (await store.readState(1)) ?? []) {
    given += chunk.length
    chunks.push(chunk)
    if (workMs > 0) await line.sleep(workMs)
  }
  expect(sameBytes(Buffer.concat(chunks), state.subarray(0, bytes))).toBe(true)
  expect(backend.openBodies).toBe(0)
  expect(mostAhead).toBeLessThanOrEqual(parallelRanges.bytes * parallelRanges.concurrency)
  const lengths = backend.gets.map(({ range }) => range?.length)
  return { ms: line.monotonic() - since, lengths, mostOpen: backend.mostOpenBodies }
}

/** What one answer takes, from the request to its last byte. */
const oneAnswerMs = (rate: number) => 10 + size / rate

describe("how many connections a read uses", () => {
  test.each([1, 5, 15])("at %i MB/s a connection: four, at least 2.5 times as fast as one", async (rate) => {
    const { ms, mostOpen } = await read({ rate: rate * MBps })
    expect(mostOpen).toBe(4)
    expect(ms).toBeLessThan(oneAnswerMs(rate * MBps) / 2.5)
  })

  test("at 60 MB/s a connection: it is helped", async () => {
    const { ms, mostOpen } = await read({ rate: 60 * MBps })
    expect(mostOpen).toBeGreaterThan(1)
    expect(ms).toBeLessThan(oneAnswerMs(60 * MBps) / 1.25)
  })

  test.each([70, 1_000])("at %i MB/s a connection: one request brings everything", async (rate) => {
    expect((await read({ rate: rate * MBps })).lengths).toEqual([undefined])
  })

  test.each([5, 40])(
    "where the server itself sends no more than %i MB/s: two, of which one was a try",
    async (rate) => {
      const { ms, mostOpen } = await read({ rate: 100 * MBps, serverRate: rate * MBps }, { chunkBytes: 64 * 1024 })
      expect(mostOpen).toBe(2)
      expect(ms).toBeLessThan(1.1 * oneAnswerMs(rate * MBps))
    },
  )

  test("a reader that is slower than its line: one", async () => {
    // 256 KiB in 20 ms are 13 MB/s, and 15 come.
    expect((await read({ rate: 15 * MBps }, { workMs: 20 })).lengths).toEqual([undefined])
  })

  test("a state of up to 16 MiB is one request, however slow its line", async () => {
    expect((await read({ rate: 5 * MBps }, { bytes: 16 * MiB })).lengths).toEqual([undefined])
    expect((await read({ rate: 5 * MBps }, { bytes: 16 * MiB + 1 })).mostOpen).toBe(4)
  })

  test("the ranges grow", async () => {
    const { lengths } = await read({ rate: 15 * MBps })
    const [, ...ranges] = lengths.map((length) => (length ?? 0) / MiB)
    expect(ranges.slice(0, 4)).toEqual([1, 2, 4, 8])
    expect(Math.max(...ranges)).toBe(8)
    // As many as a fixed length of 4 MiB would need, at most.
    expect(lengths.length).toBeLessThanOrEqual(16)
  })

  test("a line that is far: a round trip of 200 ms is no rate", async () => {
    expect((await read({ rate: 100 * MBps, latencyMs: 200 })).lengths).toEqual([undefined])
    expect((await read({ rate: 15 * MBps, latencyMs: 200 })).mostOpen).toBe(4)
  })
})
