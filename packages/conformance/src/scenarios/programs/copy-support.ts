import assert from "node:assert/strict"
import { type Clock, type CopySkipped, type CopyStoreOptions, copyStore, type StoreOperations } from "@ckpt/core"
import { instantClock } from "../../harness/clocks.js"
import type { ScenarioContext } from "../../harness/scenario.js"
import { rejection } from "../support.js"

/** Of the store that is copied into. */
export const prefix = "copy/"

/** Asserts that the copy of a checkpoint has the same bytes. */
export async function assertCopied({ peek, keys }: ScenarioContext, id: number, hasState = true): Promise<void> {
  for (const key of [keys.manifest(id), ...(hasState ? [keys.state(id)] : [])]) {
    const there = await peek(key)
    assert.ok(there !== undefined, `${key} is not there`)
    assert.deepEqual(await peek(prefix + key), there, key)
  }
}

/** What was passed over, short: id, name of the pin, code. */
export const short = ({ id, pin, error: { code } }: CopySkipped): readonly (string | number)[] =>
  pin === undefined ? [id, code] : [id, pin, code]

/**
 * Follows a store: the first round, then each step and a round after it. Gives what was passed over.
 *
 * @param open opens the store that is copied into, on this clock
 */
export async function follow(
  from: StoreOperations,
  open: (clock: Clock) => Promise<StoreOperations>,
  steps: readonly (() => Promise<unknown>)[],
  options: CopyStoreOptions = {},
): Promise<CopySkipped[]> {
  const everyMs = 77
  const left = [...steps]
  const stop = new AbortController()
  const skipped: CopySkipped[] = []
  const clock = instantClock()
  const to = await open({
    ...clock,
    async sleep(ms, signal) {
      if (ms !== everyMs) return clock.sleep(ms, signal)
      const step = left.shift()
      if (step === undefined) stop.abort(new Error("the steps are done"))
      signal?.throwIfAborted()
      await step?.()
    },
  })
  const following = copyStore(from, to, {
    ...options,
    follow: { everyMs },
    signal: stop.signal,
    onSkipped: (one) => skipped.push(one),
  })
  const reason = await rejection(following)
  if (reason !== stop.signal.reason) throw reason
  return skipped
}
