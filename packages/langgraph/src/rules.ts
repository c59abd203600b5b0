import { type ShapeOf, wholeNumber } from "@ckpt/core/adapter"

/** Which checkpoints of a thread stay. One that any of the rules names stays. */
export interface PruneThreadOptions {
  /** The latest so many, of each namespace: 1 or more. The latest stays in any case. */
  last?: number | undefined
  /** Those that were stored within so many milliseconds, by the storage's clock. */
  withinMs?: number | undefined
  /** Those with these ids. */
  keep?: readonly string[] | undefined
}

/** What `pruneThread` has removed. */
export interface PrunedThread {
  /** The ids of the checkpoints, the latest first. */
  readonly removed: readonly string[]
  /** How many pieces of large values that no checkpoint names any more. */
  readonly pieces: number
}

export const pruneShape: ShapeOf<PruneThreadOptions> = {
  fields: {
    last: wholeNumber(1),
    withinMs: wholeNumber(0),
    keep: {
      fits: (ids) => Array.isArray(ids) && ids.every((id) => typeof id === "string"),
      give: "an array of the ids of checkpoints",
    },
  },
  example: "rules, such as { last: 10 }",
}
