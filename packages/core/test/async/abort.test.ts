import { expect, test } from "vitest"
import { untilAborted } from "../../src/async/abort.js"
import { called } from "../../src/state/source-chunks.js"

const never = () => new Promise<never>(() => {})

test("a wait ends with the reason of a signal that was aborted before it began", async () => {
  const reason = new Error("enough")
  await expect(untilAborted(never(), AbortSignal.abort(reason))).rejects.toBe(reason)
})

test("what has settled by then is the answer", async () => {
  expect(await untilAborted(Promise.resolve(1), AbortSignal.abort())).toBe(1)
})

test("the function of a state may give its own save up, and hang", async () => {
  const abort = new AbortController()
  const reason = new Error("enough")
  const hanging = () => {
    abort.abort(reason)
    return never()
  }
  await expect(called(hanging, abort.signal)).rejects.toBe(reason)
})
