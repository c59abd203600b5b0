import type { Action } from "../scenario/action.js"

/** One call of a store, as the model sees it. */
export interface Operation {
  readonly action: Action
  readonly process: string
  /** The claim under which the process writes; 0: none. */
  readonly epoch: number
  /** When it began, in ticks: each change of the storage and each answer to a process is a tick. */
  readonly start: number
  /** The highest acknowledged id when it began. */
  readonly acknowledged: number
  /** The id that the pointer named when it began; 0: none. */
  readonly named: number
  /** The highest id of any object when it began. */
  readonly highestId: number
  readonly pinned: ReadonlyMap<string, number>
  /** When its last listing began. */
  lastListing: number
}

/** A save that was acknowledged. */
export interface Acknowledged {
  readonly id: number
  readonly content: number
  readonly tick: number
  /** A newer checkpoint counted by then. */
  readonly outranked: boolean
  pruned: boolean
}
