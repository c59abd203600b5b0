import type { Scenario } from "../scenario.js"
import { changingDifferences } from "./differences-changing.js"
import { readingDifferences } from "./differences-reading.js"
import { retentionDifferences } from "./differences-retention.js"
import { savingDifferences } from "./differences-save.js"

/** Everywhere that this differs from the reference, on purpose. */
export const differenceScenarios: readonly Scenario[] = [
  ...savingDifferences,
  ...changingDifferences,
  ...readingDifferences,
  ...retentionDifferences,
]
