import type { Scenario } from "../../../harness/scenario.js"
import { changingDifferences } from "./changing.js"
import { readingDifferences } from "./reading.js"
import { retentionDifferences } from "./retention.js"
import { savingDifferences } from "./saving.js"

/** Everywhere that this differs from the reference, on purpose. */
export const differenceScenarios: readonly Scenario[] = [
  ...savingDifferences,
  ...changingDifferences,
  ...readingDifferences,
  ...retentionDifferences,
]
