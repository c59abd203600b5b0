import type { Action } from "../scenario/action.js"

/** One call of a store, as the model sees it. */
export interface Operation {
  readonly action: Action
  readonly process: string
  /** The claim under which the process writes; 0: none. */
  readonly epoch: number
  /** When it began: see `Notes.tick`. */
  readonly start: number
  /** The highest acknowledged id when it began. Where listings lag: that pointer or history named. */
  readonly acknowledged: number
  /** The id that the pointer named when it began; 0: none. */
  readonly named: number
  /** The highest id of any object when it began. */
  readonly highestId: number
  /** See `Damaged.mustTell`. */
  readonly mustTell: number
  readonly pinned: ReadonlyMap<string, number>
  /** When its last listing began. */
  lastListing: number
  /** Of a save: its id, and when it began to write. */
  writes?: { readonly id: number; readonly tick: number }
  /** Of a `remove`: its id. */
  removes?: number
  /** With which its caller may give it up. */
  signal?: AbortSignal
  /** The call has been answered: what its caller reads now goes on whatever the signal says. */
  isAnswered?: boolean
}

/** A save that was acknowledged, or a checkpoint that a claim has kept. */
export interface Acknowledged {
  readonly id: number
  readonly content: number
  readonly tick: number
  /** A newer checkpoint counted by then. */
  readonly outranked: boolean
  /** A save of it was acknowledged. */
  saved: boolean
  pruned: boolean
}

/** After `delete` and `garble` nobody can use the history. After `roll back` it is sound, and older. */
export type HistoryDamage = "delete" | "garble" | "roll back"
