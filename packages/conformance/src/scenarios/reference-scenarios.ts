import type { Scenario } from "../scenario.js"
import { referenceChecks } from "./reference-checks.js"
import { referencePlaces } from "./reference-places.js"
import { referenceRetention } from "./reference-retention.js"
import { referenceSaves } from "./reference-saves.js"

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
