import { describeScenarios, scenarioGroups } from "@ckpt/conformance"
import { describe, test } from "vitest"
import { fsStorage } from "./storage.js"

for (const [name, scenarios] of Object.entries(scenarioGroups)) {
  describe(name, () => {
    describeScenarios({ test, storage: fsStorage, scenarios })
  })
}
