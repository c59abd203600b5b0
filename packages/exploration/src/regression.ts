import type { Schedule } from "./scenario/scenario.js"

/** A schedule that ends in a violation if a rule of the protocol is left out. */
export interface Regression extends Schedule {
  /** The name of the mutant that leaves the rule out. */
  readonly rule: string
  /** The message of the violation when the schedule was recorded. */
  readonly violation: string
}

/** The file in which the schedule of a mutant is kept. */
export function fileOf(rule: string): string {
  return `${rule.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.json`
}
