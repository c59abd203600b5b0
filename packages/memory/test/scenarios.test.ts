import {
  crashScenarios,
  describeScenarios,
  differenceScenarios,
  lostAnswerScenarios,
  lostChangeScenarios,
  raceScenarios,
} from "@ckpt/conformance"
import { describe, test } from "vitest"
import { memoryStorage } from "./storage.js"

const groups = {
  differences: differenceScenarios,
  races: raceScenarios,
  crashes: crashScenarios,
  "lost answers": [...lostAnswerScenarios, ...lostChangeScenarios],
}

for (const [name, scenarios] of Object.entries(groups)) {
  describe(name, () => {
    describeScenarios({ test, storage: memoryStorage, scenarios })
  })
}
