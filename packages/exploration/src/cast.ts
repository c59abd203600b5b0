import type { Network } from "./network/network.js"
import type { Choices } from "./scenario/choices.js"
import type { Scenario } from "./scenario/scenario.js"
import type { SimulateOptions } from "./simulate-options.js"

/** What one schedule is made from. */
export interface Stage {
  readonly scenario: Scenario
  readonly options: SimulateOptions
  readonly choices: Choices
  readonly log: ((line: string) => void) | undefined
}

/** The processes of one schedule, their network, and what watches them. */
export interface Cast {
  readonly network: Network
  readonly actors: readonly Actor[]
  /** Resolves when every process waits for the network, or has ended. */
  everybodyWaits(): Promise<void>
  /** Looks at the storage between two requests. */
  look?(): Promise<void>
  /** The storage's clock goes on, as a choice decides, before the next request arrives. */
  timePasses?(): void
  /** To be called after the last request. */
  checkEnd(): Promise<void>
  /** Saves, or puts. */
  readonly acknowledged: number
}

export interface Actor {
  run(): Promise<void>
  /** To be called when nobody goes on before the next request arrives. `isLast`: none will. */
  assertSound(isLast: boolean): void
}

/**
 * Resolves when every process waits for the network, or has ended. All that a process does after an answer are promise
 * jobs, and Node runs its next ticks only after the last promise job.
 */
export function everybodyWaits(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}
