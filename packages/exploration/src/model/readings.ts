import type { Counted } from "./counted.js"
import type { Acknowledged, Operation } from "./operation.js"
import { Violation } from "./violation.js"

/** The answers that readers are given: each must have been true at some moment of the reading. */
export class Readings {
  /** When the store was claimed for the first time; -1: not yet. */
  firstClaimTick = -1
  readonly #counted: Counted
  readonly #acknowledged: ReadonlyMap<number, Acknowledged>

  constructor(counted: Counted, acknowledged: ReadonlyMap<number, Acknowledged>) {
    this.#counted = counted
    this.#acknowledged = acknowledged
  }

  /** A reader was told that `id` (0: nothing) is the latest. */
  latest(operation: Operation, id: number, content: number | undefined): void {
    if (id < operation.acknowledged) {
      throw new Violation(`the latest is said to be ${id}, and ${operation.acknowledged} had been acknowledged before`)
    }
    if (id > 0) this.one(operation, id, content)
  }

  /** A reader was told that `id` is a checkpoint. */
  one(operation: Operation, id: number, content: number | undefined): void {
    const counted = this.#counted.byId.get(id)
    // The reader may have judged by the pointer of before the first claim.
    if (counted === undefined && this.firstClaimTick >= operation.start) return
    if (counted === undefined || (!counted.counts && counted.last < operation.start)) {
      throw new Violation(`checkpoint ${id} was read, and did not count at any moment of this read`)
    }
    const isOther = counted.anew !== undefined && counted.anew > operation.start
    if (content !== undefined && counted.content !== content && !isOther) {
      throw new Violation(`checkpoint ${id} was read with content ${content}; it has content ${counted.content}`)
    }
  }

  /** A reader was told of all checkpoints. */
  all(operation: Operation, ids: readonly number[]): void {
    for (const id of ids) this.one(operation, id, undefined)
    this.ids(operation, ids)
  }

  /** As `all`, for a reader that does not look at manifests: ids that do not count may be among them. */
  ids(operation: Operation, ids: readonly number[]): void {
    if (ids.some((id, index) => index > 0 && id <= (ids[index - 1] as number))) {
      throw new Violation(`the ids are not ascending: ${ids.join(" ")}`)
    }
    for (const { id, tick, pruned } of this.#acknowledged.values()) {
      if (pruned || tick > operation.start || ids.includes(id)) continue
      throw new Violation(
        `checkpoint ${id} was acknowledged, is there, and is missing from ${ids.join(" ") || "nothing"}`,
      )
    }
  }
}
