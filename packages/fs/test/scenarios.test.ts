import { describeScenarios, scenarioGroups } from "@ckpt/conformance"
import { describe, test } from "vitest"
import { fsStorage } from "./storage.js"
import { withoutDisk } from "./without-disk.js"

for (const [name, scenarios] of Object.entries(scenarioGroups)) {
  describe(name, () => {
    describeScenarios({ test, storage: () => fsStorage({ place: withoutDisk }), scenarios })
  })
}
