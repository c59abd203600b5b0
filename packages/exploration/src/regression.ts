import type { Schedule } from "./scenario/scenario.js"

/** A schedule in which a rule of the protocol, left out, loses what was promised. */
export interface Regression extends Schedule {
  /** The mutant that it fails with. */
  readonly rule: string
  /** What was violated when it was recorded. */
  readonly violation: string
}

/** The file of a rule's regression. */
export function fileOf(rule: string): string {
  return `${rule.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.json`
}
