import type { ValidationIssue } from "./format/manifest/issues.js"
import { quietly } from "./input/quietly.js"

/**
 * What a store tells its listener, `onEvent`, while it works. No event needs an answer: an error that needs an answer
 * is a rejection.
 */
export type StoreEvent =
  | {
      /** A checkpoint was saved, or copied. */
      type: "saved"
      /** The checkpoint. */
      id: number
      /** As in the receipt of `save`, or of `copyCheckpoint`. */
      outcome: "created" | "existed" | "replaced"
      /** As in the receipt of `save`. */
      isLatest: boolean
      /** Bytes of `state.bin`; 0 without a state. */
      stateSize: number
      /** Milliseconds that the save took. */
      elapsedMs: number
    }
  | {
      /** A save did not move the pointer, which names a newer checkpoint: a late or a second writer. */
      type: "pointer-superseded"
      /** The checkpoint that was saved. It is safe. */
      id: number
      /** The newer checkpoint, which the pointer names. */
      current: number
    }
  | {
      /** The pointer could not be moved. The checkpoint is safe all the same: readers find it by listing. */
      type: "pointer-failed"
      /** The checkpoint that was saved. */
      id: number
      /** Why. */
      error: unknown
    }
  | {
      /** The pointer cannot be used. Readers find checkpoints by listing, and the next save replaces the pointer. */
      type: "pointer-unreadable"
      /** The pointer's key. */
      key: string
      /** Why, for people. */
      reason: string
    }
  | {
      /**
       * The history cannot be believed: it is gone, garbled, or older than the manifests. Readers judge by the manifests alone;
       * whatever would write is refused until `claim()` or `repair()` builds the history anew.
       */
      type: "history-lost"
      /** The history's key. */
      key: string
      /** Why, for people. */
      reason: string
    }
  | {
      /** A claim of another process that had begun did not end, so it was taken out: its process died, or stands still. */
      type: "claim-abandoned"
      /** The number of that claim. */
      epoch: number
    }
  | {
      /**
       * A claim that the backend had made was aborted, or failed: writers from before are refused, and nobody leads until the next
       * claim.
       */
      type: "claim-unfinished"
      /** Why it failed. */
      error: unknown
    }
  | {
      /** The history was built anew by `repair()`: what was pinned or removed before is forgotten. */
      type: "history-repaired"
      /** What was wrong with it, for people. */
      reason: string
    }
  | {
      /** A request failed, perhaps in passing, and is made again. */
      type: "retry"
      /** The request, such as "put". */
      operation: string
      /** What the request was about. */
      key: string
      /** The attempt that failed, from 1. */
      attempt: number
      /** Milliseconds until the next attempt. */
      delayMs: number
      /** Why it failed. */
      error: unknown
    }
  | {
      /**
       * `recover` passed over a checkpoint; or a checkpoint that pointer or history names is lost, and `loadLatest`, `list` or `ids`
       * shows none that is later.
       */
      type: "skipped"
      /** The checkpoint. Absent if its id is beyond 2^53 - 1. */
      id?: number
      /** The key of its manifest. */
      key: string
      /** Why. */
      issues: readonly ValidationIssue[]
    }
  | {
      /** Recovery found a checkpoint. */
      type: "recovered"
      /** The checkpoint. */
      id: number
      /** How many newer checkpoints were passed over. */
      skipped: number
      /** Milliseconds that the recovery took. */
      elapsedMs: number
    }
  | {
      /** A manifest was changed. */
      type: "updated"
      /** The checkpoint. */
      id: number
    }
  | {
      /** A store of this process leads now. */
      type: "claimed"
      /** The number of the claim. */
      epoch: number
      /** The floor of the claim: the leader saves above this id. */
      floor: number
      /** Names under the prefix that are not of this store, so that they were left alone; 100 at most, absent if there are none. */
      passedOver?: readonly string[]
    }
  | {
      /**
       * Another process writes to this store too, without a claim, and lives: told by this store before its first change, once for
       * each such process. It may undo what this process saves: see `claim()`.
       */
      type: "second-writer"
      /** The number of that process. */
      pid: number
      /** When it first wrote, by the storage's clock. */
      since: Date
      /** The place that it writes to, as the storage calls it. */
      where: string
    }
  | {
      /** A checkpoint was pinned. */
      type: "pinned"
      /** The checkpoint. */
      id: number
      /** The pin. */
      name: string
    }
  | {
      /** A pin was removed. */
      type: "unpinned"
      /** The pin. */
      name: string
    }
  | {
      /** `prune`, `remove` or retention removed checkpoints. */
      type: "pruned"
      /** The checkpoints, ascending. */
      removed: readonly number[]
      /** How many objects could not be deleted. */
      failures: number
    }
  | {
      /** Retention after a save failed. The next run tries again. */
      type: "retention-failed"
      /** Why. */
      error: unknown
    }
  | {
      /** `collectOrphans` removed something. */
      type: "orphan-removed"
      /** The key, or the name of an unfinished write. */
      key: string
      /** The checkpoint that it belonged to. Absent if it belonged to none. */
      id?: number
    }
  | {
      /** A key under the store's prefix is not ours. It is never counted and never deleted. One event for each key. */
      type: "foreign-key"
      /** The key. */
      key: string
    }
  | {
      /**
       * Recovery is `fresh`, but a checkpoint lies under the same letters in another normal form of Unicode, such as "é" in one code
       * point and in two. If the checkpoint is this job's, open the store with `prefix: found`.
       */
      type: "prefix-in-other-form"
      /** The store's prefix. */
      prefix: string
      /** The prefix of the checkpoint. */
      found: string
      /** The checkpoint's key. */
      key: string
    }
  | {
      /** `nextId` ignores an id that is more than 2^32 above the others: a stray file must not use up the ids. */
      type: "id-ignored"
      /** The id that is ignored. */
      id: number
      /** The highest id that pointer or history names; without both, that of the highest manifest. */
      pointer: number
    }
  | {
      /** A manifest that was loaded or recovered has warnings. */
      type: "manifest-warnings"
      /** The checkpoint. */
      id: number
      /** The warnings. */
      issues: readonly ValidationIssue[]
    }

export type Emit = (event: StoreEvent) => void

export function safeEmitter(listener: ((event: StoreEvent) => void) | undefined): Emit {
  return listener === undefined ? () => {} : (event) => quietly(() => listener(event))
}
