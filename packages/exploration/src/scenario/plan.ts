import type { LayoutName } from "@ckpt/core"
import type { Action, PolicyName } from "./action.js"
import type { Odds } from "./odds.js"
import type { StartName } from "./starts.js"

export type Weights = Readonly<Partial<Record<Action["do"], number>>>

/** From what the scenarios of one kind are drawn. */
export interface Plan {
  readonly says: string
  readonly processes: readonly number[]
  readonly actions: readonly number[]
  readonly weights: Weights
  readonly starts: readonly StartName[]
  readonly policies?: readonly PolicyName[]
  readonly ages?: readonly number[]
  /** Actions of the first processes in place of `weights`: the first role is that of the first process. */
  readonly roles?: readonly {
    readonly first?: Action
    readonly weights: Weights
    readonly actions: readonly number[]
  }[]
  /** Damage that is done before the first process begins: of these kinds, so many. Default none. */
  readonly atRest?: { readonly weights: Weights; readonly actions: readonly number[] }
  /** How likely a process begins with a claim. */
  readonly claimsFirst?: number
  /** How likely the last process only reads. */
  readonly observer?: number
  /** How likely an action goes on while the next one begins. */
  readonly meanwhile?: number
  readonly retain?: number
  /** False: every request arrives once, and is answered. Default true. */
  readonly faults?: boolean
  /** How likely a page of a listing lags. Default 0. */
  readonly lags?: number
  /** The storage's own ways, see {@link Odds}: each as likely as this. Default 0. */
  readonly ways?: Pick<Odds, "mixed" | "throttled" | "inPart" | "syncFails">
  /** See {@link Scenario.threads}: another kind of actions. Default false. */
  readonly threads?: boolean
  /** How likely an hour, ten hours, or a day pass before a request arrives. Default: one of several. */
  readonly passes?: number
  /** How likely a step of a run needs its parent. Default 0. */
  readonly delta?: number
  /** How likely a step of a run has a subgraph. Default 0. */
  readonly subgraphs?: number
  /** See {@link Scenario.disk}. */
  readonly disk?: boolean
  /** How likely the answer to a write arrives later. Default 0. */
  readonly slowAnswer?: number
  /** How likely a state is written ahead of its save. Default 0.05. */
  readonly ahead?: number
  /** How likely the caller of an action gives it up. Default 0. */
  readonly aborts?: number
  /** How likely the requests for probes are scheduled too. Default 0.05. */
  readonly probes?: number
  /** How likely a state comes as a stream, which may fail. Default 0. */
  readonly sources?: number
  /** See {@link Scenario.layout}. */
  readonly layout?: LayoutName
}

export const plainStarts: StartName[] = ["nothing", "nothing", "two", "three, pointer behind", "three, no pointer"]
export const claimedStarts: StartName[] = ["nothing", "two", "three, pointer behind", "claimed", "claimed twice"]
export const policyNames: PolicyName[] = [
  "last 1",
  "last 1",
  "last 2",
  "every 2",
  "every 3",
  "within 10 s",
  "keep odd contents",
]
export const reading: Weights = {
  recover: 3,
  restore: 3,
  loadLatest: 4,
  list: 1,
  readState: 3,
  nextId: 0.3,
  load: 0.3,
  pins: 0.2,
}

/** Readers of what may be lost, or may not be listed. */
export const looking: Weights = {
  recover: 3,
  restore: 1,
  loadLatest: 3,
  list: 1.5,
  ids: 1,
  nextId: 0.3,
  load: 0.3,
  save: 1,
}
