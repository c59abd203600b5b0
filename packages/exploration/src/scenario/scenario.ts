import type { LayoutName } from "@ckpt/core"
import type { Action, PolicyName } from "./action.js"
import type { Odds } from "./odds.js"
import type { StartName } from "./starts.js"

export interface ProcessPlan {
  readonly actions: readonly Action[]
  /** Retention after each save. */
  readonly retain?: PolicyName
}

/** Everything that decides one schedule but for the choices; plain JSON. */
export interface Scenario {
  readonly start: StartName
  /** The processes are savers of `@ckpt/langgraph`, with their own kinds of actions. Default false. */
  readonly threads?: boolean
  /** The stores are those of `@ckpt/fs`, over a disk in memory; in the end the power is cut. Default false. */
  readonly disk?: boolean
  /** Default "objects". In the directory layout all stores are of one process: nothing orders those of several. */
  readonly layout?: LayoutName
  /** What is done before the first process begins, in this order: damage; or actions of an earlier saver. Default none. */
  readonly atRest?: readonly Action[]
  readonly processes: readonly ProcessPlan[]
  readonly odds: Odds
  /** How often a request is made at most. */
  readonly attempts: number
  readonly pageSize: number
  readonly contentVersions: boolean
  readonly probesAreScheduled: boolean
  /** After so many requests every process stops, and the storage must be sound as it is. */
  readonly steps: number
  /** Whether late requests still arrive at the end, or never. */
  readonly lateArrive: boolean
}

/** A scenario and the choices of its scheduler. It replays exactly. */
export interface Schedule {
  readonly scenario: Scenario
  readonly choices: readonly number[]
}
