import type { Action } from "./action.js"
import type { StartName } from "./starts.js"

/**
 * A schedule that is written down, and not searched for: the shortest trace that shows why a rule is there. It names requests as
 * a trace does, and never counts them, so it holds when core makes other requests besides.
 */
export interface Written {
  readonly start: StartName
  /** The storage makes versions from the bytes. Default false. */
  readonly contentVersions?: boolean
  /** The actions of each process. */
  readonly processes: readonly (readonly Action[])[]
  /** One after the other. After the last, each process goes on to its end. */
  readonly steps: readonly Step[]
}

/** One process goes on, alone, until it has ended or everything that it waits for is held. */
export interface Step {
  /** The number of the process, from 1. */
  readonly process: number
  /** Requests that do not arrive in this step: each with a part of its line in the trace, such as `"put manifest-3"`. */
  readonly before?: readonly string[]
  /** Only such requests arrive. */
  readonly only?: readonly string[]
  /** Each page of a listing shows the storage as it was so many changes ago. */
  readonly lags?: number
}

/** The process goes on, up to these requests: they wait. */
export const runs = (process: number, ...before: string[]): Step => ({ process, before })

/** Of all that the process asks, these requests arrive, and nothing else. */
export const gets = (process: number, ...only: string[]): Step => ({ process, only })
