import type { Scenario } from "../../harness/scenario.js"
import { referenceChecks } from "./checks.js"
import { referencePlaces } from "./places.js"
import { referenceRetention } from "./retention.js"
import { referenceSaves } from "./saves.js"

/**
 * A counterpart of every test of the reference implementation, by its name. Where this library differs on purpose, the
 * scenario asserts the behaviour of this library. The name or a comment tells the difference, docs/reference.md the
 * reason.
 */
export const referenceScenarios: readonly Scenario[] = [
  ...referenceSaves,
  ...referencePlaces,
  ...referenceChecks,
  ...referenceRetention,
]
