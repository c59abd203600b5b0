import { describeScenarios, scenarioGroups } from "@ckpt/conformance"
import { describe, test } from "vitest"
import { memoryStorage } from "./storage.js"

for (const [name, scenarios] of Object.entries(scenarioGroups)) {
  describe(name, () => {
    describeScenarios({ test, storage: memoryStorage, scenarios })
  })
}
