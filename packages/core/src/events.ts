import type { ValidationIssue } from "./format/manifest/issues.js"

/**
 * What a store tells its listener, `onEvent`, while it works. No event needs an answer: an error that needs an answer
 * is a rejection. `elapsedMs` and `delayMs` are milliseconds, `stateSize` is bytes.
 */
export type StoreEvent =
  /** A checkpoint was saved. For `outcome` and `isLatest` see the receipt of `save`. */
  | {
      type: "saved"
      id: number
      outcome: "created" | "existed"
      isLatest: boolean
      stateSize: number
      elapsedMs: number
    }
  /**
   * The save of `id` did not move the pointer, which names the newer checkpoint `current`: a late or a second writer.
   */
  | { type: "pointer-superseded"; id: number; current: number }
  /** The pointer could not be moved. The checkpoint `id` is safe all the same: readers find it by listing. */
  | { type: "pointer-failed"; id: number; error: unknown }
  /** The pointer cannot be used. Readers find checkpoints by listing, and the next save replaces the pointer. */
  | { type: "pointer-unreadable"; key: string; reason: string }
  /**
   * The history cannot be believed: it is gone, garbled, or older than the manifests. Readers judge by the manifests alone;
   * whatever would write is refused until `claim()` or `repair()` builds the history anew.
   */
  | { type: "history-lost"; key: string; reason: string }
  /** A claim of another process that had begun did not end, so it was taken out: its process died, or stands still. */
  | { type: "claim-abandoned"; epoch: number }
  /**
   * A claim that the backend had made was aborted, or failed with `error`: writers from before are refused, and nobody leads until
   * the next claim.
   */
  | { type: "claim-unfinished"; error: unknown }
  /** The history was built anew by `repair()`: what was pinned or removed before is forgotten. */
  | { type: "history-repaired"; reason: string }
  /**
   * A request failed, perhaps in passing. It is made again after `delayMs`. `attempt`: the attempt that failed, from 1.
   */
  | { type: "retry"; operation: string; key: string; attempt: number; delayMs: number; error: unknown }
  /**
   * `recover` passed over a checkpoint; or a checkpoint that pointer or history names is lost, and `loadLatest`, `list` or `ids`
   * shows none that is later. `id` is absent if it is beyond 2^53 - 1.
   */
  | { type: "skipped"; id?: number; key: string; issues: readonly ValidationIssue[] }
  /** Recovery found the checkpoint `id`, after `skipped` newer checkpoints. */
  | { type: "recovered"; id: number; skipped: number; elapsedMs: number }
  | { type: "updated"; id: number }
  /**
   * A store of this process leads now. `from`: the floor of the claim; the leader saves above it. `passedOver`: names under the
   * prefix that are not of this store, so that they were left alone; 100 at most, absent if there are none.
   */
  | { type: "claimed"; epoch: number; from: number; passedOver?: readonly string[] }
  /**
   * Another process, `pid`, writes to this store too, without a claim, and lives: told by this store before its first change, once
   * for each such process. It may undo what this process saves: see `claim()`. `since`: its first write, by the storage's clock.
   */
  | { type: "second-writer"; pid: number; since: Date; where: string }
  | { type: "pinned"; id: number; name: string }
  | { type: "unpinned"; name: string }
  /** `prune`, `remove` or retention removed checkpoints. `failures`: objects that could not be deleted. */
  | { type: "pruned"; removed: readonly number[]; failures: number }
  /** Retention after a save failed. The next run tries again. */
  | { type: "retention-failed"; error: unknown }
  /** `collectOrphans` removed this key. */
  | { type: "orphan-removed"; key: string; id?: number }
  /** A key under the store's prefix that is not ours. It is never counted and never deleted. One event for each key. */
  | { type: "foreign-key"; key: string }
  /**
   * Recovery is `fresh` under `prefix`, but `key` is a checkpoint under the same letters in another normal form of Unicode, such
   * as "é" in one code point and in two. If the checkpoint is this job's, open the store with `prefix: found`.
   */
  | { type: "prefix-in-other-form"; prefix: string; found: string; key: string }
  /**
   * `nextId` ignores this id, which is more than 2^32 above `pointer`, the highest id that pointer or history names (without both:
   * the highest manifest): a stray file must not use up the ids.
   */
  | { type: "id-ignored"; id: number; pointer: number }
  /** A manifest that was loaded or recovered has warnings. */
  | { type: "manifest-warnings"; id: number; issues: readonly ValidationIssue[] }

export type Emit = (event: StoreEvent) => void

/** An error of the listener ends here: it must not fail a save that has succeeded. */
export function safeEmitter(listener: ((event: StoreEvent) => void) | undefined): Emit {
  if (listener === undefined) return () => {}
  return (event) => {
    try {
      const result: unknown = listener(event)
      if (result instanceof Promise) result.catch(() => {})
    } catch {}
  }
}
