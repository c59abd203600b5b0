import type { CkptSaver } from "@ckpt/langgraph"
import type { Network } from "../network/network.js"
import type { ProcessClock } from "../process/clock.js"
import type { Threading } from "../scenario/thread-action.js"
import type { SimulatedStorage } from "../storage/storage.js"
import type { Operation } from "./known.js"
import type { Model } from "./model.js"

/** The surroundings that all savers of one schedule share. */
export interface World {
  readonly Saver: typeof CkptSaver | undefined
  readonly storage: SimulatedStorage
  readonly network: Network
  readonly model: Model
  /** How often a request is made at most. */
  readonly attempts: number
  /** A number that no other has. */
  count(): number
  /** The storage's clock goes on, but no further than a request may be under way. */
  pass(ms: number): void
  /** Resolves to the words for the trace. */
  damage(action: Extract<Threading, { do: "damage object" }>): string
  readonly log: ((line: string) => void) | undefined
}

/** A call, before the model knows of it. */
export type Call = Omit<Operation, "begun" | "isBesideDeletion" | "process">

/** One process, as its calls share it. */
export interface Caller {
  readonly world: World
  readonly clock: ProcessClock
  readonly saver: CkptSaver
  /**
   * Makes one call and tells the model of it.
   *
   * @returns what `task` gives; a code if the call failed as it may
   */
  call<T>(call: Call, task: (operation: Operation) => Promise<T>): Promise<T | { readonly failed: string }>
  /** One after the other: a put, or a copy. So it is known whose request a request is. */
  storing<T>(what: "put" | "copy", task: () => Promise<T>): Promise<T>
}
