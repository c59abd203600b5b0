import type { Scenario } from "../scenario.js"
import { changingDifferences } from "./differences-changing.js"
import { readingDifferences } from "./differences-reading.js"
import { retentionDifferences } from "./differences-retention.js"
import { savingDifferences } from "./differences-save.js"

/** Every row of the design's section 7, "where this differs from the reference". */
export const differenceScenarios: readonly Scenario[] = [
  ...savingDifferences,
  ...changingDifferences,
  ...readingDifferences,
  ...retentionDifferences,
]
