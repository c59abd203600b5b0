import { CheckpointError } from "@ckpt/core"
import { checkOptions, type ShapeOf, wholeNumber } from "@ckpt/core/adapter"

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
  /** How many checkpoints the thread still has. */
  readonly left: number
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

/** @throws {CheckpointError} `CKPT_INVALID` for rules that cannot be used, and if there is none */
export function checkRules(what: string, rules: PruneThreadOptions | undefined): void {
  checkOptions(what, rules ?? null, pruneShape)
  if (Object.values(rules ?? {}).some((rule) => rule !== undefined)) return
  const message = `${what}: without a rule the latest checkpoint alone would stay. Say so: { last: 1 }.`
  throw new CheckpointError("CKPT_INVALID", message)
}
