import type { Action, PolicyName } from "./action.js"
import type { Odds } from "./odds.js"
import type { StartName } from "./starts.js"

export interface ProcessPlan {
  readonly actions: readonly Action[]
  /** Retention after each save. */
  readonly retain?: PolicyName
}

/** Everything that decides what happens in one schedule; plain JSON. */
export interface Scenario {
  readonly start: StartName
  readonly processes: readonly ProcessPlan[]
  readonly odds: Odds
  /** How often a request is made at most. */
  readonly attempts: number
  readonly pageSize: number
  readonly contentVersions: boolean
  readonly probesAreScheduled: boolean
  /** After so many requests nobody goes on, and what is there then must do. */
  readonly steps: number
  /** What was delayed arrives at the end, or never. */
  readonly lateArrive: boolean
}

/** A scenario and the choices of its scheduler: it replays exactly. */
export interface Schedule {
  readonly scenario: Scenario
  readonly choices: readonly number[]
}
