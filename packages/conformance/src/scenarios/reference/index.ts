import type { Scenario } from "../../harness/scenario.js"
import { referenceChecks } from "./checks.js"
import { referencePlaces } from "./places.js"
import { referenceRetention } from "./retention.js"
import { referenceSaves } from "./saves.js"

/**
 * A counterpart of every test of the reference implementation, by its name. Where this differs on purpose, the scenario
 * asserts what this does; name or comment says the difference, and docs/reference.md its reason.
 */
export const referenceScenarios: readonly Scenario[] = [
  ...referenceSaves,
  ...referencePlaces,
  ...referenceChecks,
  ...referenceRetention,
]
