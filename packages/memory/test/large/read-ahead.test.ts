import { gate, LeapingClock, ManualClock, settled } from "@ckpt/conformance"
import { BackendError, createManifest, openCheckpointStore } from "@ckpt/core"
import { expect, test } from "vitest"
import { pattern, sameBytes, WatchedBackend } from "./watched-backend.js"

async function saved(size: number) {
  const backend = new WatchedBackend({ chunkBytes: 100 })
  const store = await openCheckpointStore({ backend, clock: new LeapingClock(), random: () => 0.5 })
  const state = pattern(size)
  await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state })
  backend.resetCounts()
  const reader = await store.readState(1)
  if (reader === undefined) throw new Error("there is no state")
  return { backend, store, state, reader }
}

test("while a chunk is worked on the next one is asked for, and none beyond it", async () => {
  const { backend, reader } = await saved(1000)
  const chunks = reader[Symbol.asyncIterator]()
  for (let handedOver = 1; handedOver <= 7; handedOver++) {
    await chunks.next()
    await settled()
    // One chunk is handed over, one is held back until the bytes behind it verify, and one is on its way.
    expect(backend.asked).toBe(handedOver + 2)
  }
  await chunks.return?.()
})

test("a chunk that is on its way does not keep a reader from leaving", async () => {
  const { backend, reader } = await saved(1000)
  const chunks = reader[Symbol.asyncIterator]()
  const hang = gate()
  backend.beforeChunk = ({ index }) => (index === 3 ? hang.passed : undefined)
  await chunks.next()
  await chunks.next()
  expect(backend.asked).toBe(4)
  await chunks.return?.()
  await settled()
  expect(backend.openBodies).toBe(0)
  hang.open()
  await settled()
  expect(backend.asked).toBe(4)
})

test("what fails on its way is told when its turn comes, and not at all to a reader that has left", async () => {
  const { backend, reader } = await saved(1000)
  backend.beforeChunk = ({ index }) => {
    if (index === 3) throw new BackendError("permanent", "no more")
  }
  const chunks = reader[Symbol.asyncIterator]()
  await chunks.next()
  await chunks.next()
  await settled()
  await expect(chunks.next()).rejects.toMatchObject({ code: "CKPT_IO" })

  const leaving = reader[Symbol.asyncIterator]()
  await leaving.next()
  await leaving.next()
  await settled()
  await leaving.return?.()
  expect(backend.openBodies).toBe(0)
})

test("a body that breaks off while a chunk is worked on goes on after that chunk", async () => {
  const { backend, state, reader } = await saved(1000)
  let broken = false
  backend.beforeChunk = ({ position }) => {
    if (position !== 500 || broken) return
    broken = true
    throw new BackendError("transient", "the connection was reset")
  }
  expect(sameBytes(await reader.bytes(), state)).toBe(true)
  expect(backend.gets.map(({ range }) => range)).toEqual([undefined, { offset: 500, length: 500 }])
})

test("an abort while a chunk is worked on: nothing more is handed over", async () => {
  const { backend, store } = await saved(1000)
  const stop = new AbortController()
  const reason = new Error("enough")
  const reader = await store.readState(1, { signal: stop.signal })
  const chunks = reader?.[Symbol.asyncIterator]()
  await chunks?.next()
  await settled()
  stop.abort(reason)
  await expect(chunks?.next()).rejects.toBe(reason)
  await settled()
  expect(backend.openBodies).toBe(0)
})

test("a body that stands still is given up, however many chunks came before", async () => {
  const { backend, state } = await saved(1000)
  const clock = new ManualClock()
  const store = await openCheckpointStore({ backend, clock, random: () => 0, timeoutMs: 1000 })
  const hang = gate()
  backend.resetCounts()
  backend.beforeChunk = ({ request, index }) => (request === 0 && index === 7 ? hang.passed : undefined)
  const reading = (await store.readState(1))?.bytes()
  await clock.advance(999)
  expect(backend.gets.length).toBe(1)
  await clock.advance(1)
  expect(sameBytes(await reading, state)).toBe(true)
  expect(backend.gets.map(({ range }) => range)).toEqual([undefined, { offset: 700, length: 300 }])
  hang.open()
})
