import type { Scenario } from "../../../harness/scenario.js"
import { changingDifferences } from "./changing.js"
import { readingDifferences } from "./reading.js"
import { retentionDifferences } from "./retention.js"
import { savingDifferences } from "./saving.js"

/** Every deliberate difference from the reference. */
export const differenceScenarios: readonly Scenario[] = [
  ...savingDifferences,
  ...changingDifferences,
  ...readingDifferences,
  ...retentionDifferences,
]
