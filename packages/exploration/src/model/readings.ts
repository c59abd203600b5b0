import type { Counted } from "./counted.js"
import type { Acknowledged, Operation } from "./operation.js"
import type { View } from "./view.js"
import { Violation } from "./violation.js"

/**
 * The answers that readers are given: each must have been true at some moment of the reading, and none steps back in
 * silence. The second holds whatever a listing lacks and whatever was lost: the checkpoint that the pointer named when the
 * reading began is returned, or a later one is, or the reader is told that it is missing or damaged.
 */
export class Readings {
  /** When the store was claimed for the first time; -1: not yet. */
  firstClaimTick = -1
  readonly #counted: Counted
  readonly #view: View
  readonly #acknowledged: ReadonlyMap<number, Acknowledged>
  readonly #lags: boolean

  /** @param lags listings may lag, so ids may be missing from them */
  constructor(counted: Counted, view: View, acknowledged: ReadonlyMap<number, Acknowledged>, lags: boolean) {
    this.#counted = counted
    this.#view = view
    this.#acknowledged = acknowledged
    this.#lags = lags
  }

  /** A reader was told that `id` (0: nothing) is the latest, and that the `skipped` are missing or damaged. */
  latest(operation: Operation, id: number, content: number | undefined, skipped: readonly number[]): void {
    this.#skipped(skipped)
    // A save that could not move the pointer is acknowledged all the same; only a listing shows its checkpoint.
    if (!this.#lags && id < this.#expected(operation)) {
      throw new Violation(`the latest is said to be ${id}, and ${operation.acknowledged} had been acknowledged before`)
    }
    const { named } = operation
    if (id < named && !skipped.some((one) => one >= named)) {
      throw new Violation(
        `the pointer named ${named}, the latest is said to be ${id || "nothing"}, and nothing is said of ${named}`,
      )
    }
    if (id > 0) this.one(operation, id, content)
  }

  /** A recovery was told that nothing was ever saved. */
  fresh({ named }: Operation): void {
    if (named > 0) throw new Violation(`recovery says fresh, and the pointer named ${named}`)
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

  /** A reader was told of all checkpoints, and that the `skipped` are missing or damaged. */
  all(operation: Operation, ids: readonly number[], skipped: readonly number[]): void {
    for (const id of ids) if (!skipped.includes(id)) this.one(operation, id, undefined)
    this.ids(operation, ids, skipped)
  }

  /** As `all`, for a reader that does not look at manifests: ids that do not count may be among them. */
  ids(operation: Operation, ids: readonly number[], skipped: readonly number[]): void {
    this.#skipped(skipped)
    if (ids.some((id, index) => index > 0 && id <= (ids[index - 1] as number))) {
      throw new Violation(`the ids are not ascending: ${ids.join(" ")}`)
    }
    this.#named(operation, ids, skipped)
    if (this.#lags) return
    for (const { id, tick, pruned } of this.#acknowledged.values()) {
      if (pruned || tick > operation.start || ids.includes(id) || this.#counted.lost.has(id)) continue
      throw new Violation(
        `checkpoint ${id} was acknowledged, is there, and is missing from ${ids.join(" ") || "nothing"}`,
      )
    }
  }

  /** The pointer's checkpoint is among the ids, or a later one is, or it was said to be missing, or it was removed or lost meanwhile. */
  #named({ named, start }: Operation, ids: readonly number[], skipped: readonly number[]): void {
    if (named === 0 || [...ids, ...skipped].some((id) => id >= named)) return
    // What was lost meanwhile may have been seen before.
    for (const [id, tick] of this.#counted.lost) if (id >= named && tick > start) return
    // A list goes by its listing, and a later checkpoint may have been saved since.
    if (this.#view.pointer.checkpointId > named) return
    if (this.#view.isCounting(named) || this.#counted.lost.has(named)) {
      throw new Violation(
        `the pointer named ${named}, it is missing from ${ids.join(" ") || "nothing"}, and nothing is said of it`,
      )
    }
  }

  #skipped(ids: readonly number[]): void {
    const sound = ids.find((id) => !this.#counted.lost.has(id))
    if (sound !== undefined) throw new Violation(`${sound} is called missing or damaged, and nothing of it was lost`)
  }

  /** The highest id that was acknowledged before the operation; if anything was lost, that is still there whole. */
  #expected({ acknowledged, start }: Operation): number {
    if (this.#counted.lost.size === 0) return acknowledged
    let highest = 0
    for (const { id, tick, pruned } of this.#acknowledged.values()) {
      if (!pruned && tick <= start && !this.#counted.lost.has(id) && id > highest) highest = id
    }
    return highest
  }
}
