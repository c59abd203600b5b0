import { CheckpointError } from "../errors.js"
import { checkOptions } from "../input/check-options.js"
import { longestSleepMs } from "../storage/attempt.js"
import type { StoreOperations } from "./api.js"
import { endpointsOf } from "./copy.js"
import { CopyRounds } from "./copy-rounds.js"
import { type CopyReport, type CopyStoreOptions, copyStoreShape } from "./copy-store-api.js"

/**
 * Copies the checkpoints of a store into another, ascending by id, as `copyCheckpoint` does, and their pins. What is there already is
 * passed over, so a copy that was interrupted goes on. Copy into a store before it is claimed: a claim keeps what is there.
 *
 * A pin that moved to another checkpoint moves in the copy too, if this call made it, or found it as it was. Elsewhere nobody knows
 * whose pin it is: it stays, and is in `skipped` as `CKPT_CONFLICT`. A pin that was removed in `from` stays in `to`.
 *
 * If the latest checkpoint of `from` is damaged or lost, `to` remembers that it was there: its id is not given again, and `recover()`
 * tells that it is missing.
 *
 * @throws {CheckpointError} as `copyCheckpoint`; `CKPT_INVALID` too if all checkpoints of `from` are of the other layout. Without `ids`,
 *   what concerns one checkpoint alone is in `skipped` instead: one that is damaged in `from` (`CKPT_CORRUPT`) or in `to` (the same,
 *   unless `replaceDamaged`), was removed meanwhile (`CKPT_NOT_FOUND`, `CKPT_PRUNED`), or was removed by retention of `to`
 *   (`CKPT_CONFLICT`). What concerns a pin alone is always there
 */
export async function copyStore(
  from: StoreOperations,
  to: StoreOperations,
  options: CopyStoreOptions = {},
): Promise<CopyReport> {
  checkOptions("copyStore", options, copyStoreShape)
  const endpoints = endpointsOf("copyStore", from, to)
  const { ids, follow, signal } = options
  if (follow !== undefined && (ids !== undefined || follow.everyMs === undefined)) {
    const problem = ids === undefined ? "follow has no everyMs" : "ids and follow are given"
    const advice = "give { follow: { everyMs: 1_000 } } to copy each checkpoint that is saved later, or { ids }"
    throw new CheckpointError("CKPT_INVALID", `copyStore: ${problem}; ${advice}.`)
  }
  const everyMs = follow?.everyMs
  // The caller may change its objects meanwhile.
  const rounds = new CopyRounds(endpoints, { ...options, ...(ids && { ids: [...ids] }) })
  for (;;) {
    signal?.throwIfAborted()
    await rounds.next()
    if (everyMs === undefined) return rounds.report()
    await endpoints.target.clock.sleep(Math.min(everyMs, longestSleepMs), signal)
  }
}
