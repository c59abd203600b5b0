import { expect, test } from "vitest"
import { SharedWork } from "../../src/async/shared-work.js"

/** Work that ends when it is told to, and after an abort only once its clean-up was let go. */
function shared() {
  const begun: { readonly signal: AbortSignal; readonly end: () => void; readonly fail: (error: Error) => void }[] = []
  const work = new SharedWork(
    (signal) => new Promise<void>((end, fail) => begun.push({ signal, end, fail }) && undefined),
  )
  return { work, begun }
}

test("all who ask at the same time share one piece of work, and later callers begin anew", async () => {
  const { work, begun } = shared()
  const both = Promise.all([work.done(undefined), work.done(undefined)])
  expect(begun).toHaveLength(1)
  begun[0]?.end()
  await both
  const later = work.done(undefined)
  expect(begun).toHaveLength(2)
  begun[1]?.fail(new Error("the storage is down"))
  await expect(later).rejects.toThrow("the storage is down")
})

test("an abort ends the wait of its caller alone, and with the last wait the work", async () => {
  const { work, begun } = shared()
  const [first, second] = [new AbortController(), new AbortController()]
  const one = work.done(first.signal)
  const other = work.done(second.signal)
  first.abort(new Error("first"))
  await expect(one).rejects.toThrow("first")
  expect(begun[0]?.signal.aborted).toBe(false)

  let isOver = false
  const last = other.finally(() => {
    isOver = true
  })
  second.abort(new Error("second"))
  await Promise.resolve()
  await new Promise(setImmediate)
  expect(begun[0]?.signal.reason).toEqual(new Error("second"))
  expect(isOver).toBe(false)
  // Who comes now does not wait for work that was given up.
  const anew = work.done(undefined)
  expect(begun).toHaveLength(2)
  begun[0]?.fail(new Error("cleaned up"))
  await expect(last).rejects.toThrow()
  begun[1]?.end()
  await anew
})

test("one signal of two callers ends both, and the work", async () => {
  const { work, begun } = shared()
  const stop = new AbortController()
  const both = Promise.allSettled([work.done(stop.signal), work.done(stop.signal)])
  stop.abort(new Error("stop"))
  await new Promise(setImmediate)
  expect(begun[0]?.signal.aborted).toBe(true)
  begun[0]?.fail(new Error("stop"))
  expect(await both).toMatchObject([{ reason: { message: "stop" } }, { reason: { message: "stop" } }])
})

test("a signal that is aborted begins nothing", async () => {
  const { work, begun } = shared()
  await expect(work.done(AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop")
  expect(begun).toHaveLength(0)
})
