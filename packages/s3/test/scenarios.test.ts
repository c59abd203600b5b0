import { describeScenarios, scenarioGroups } from "@ckpt/conformance"
import { describe, test } from "vitest"
import { hasServer, s3Storage } from "./storage.js"

const { crashes: _, recovery: __, ...groups } = scenarioGroups

for (const [name, scenarios] of Object.entries(groups)) {
  describe.runIf(hasServer)(name, () => {
    describeScenarios({ test, storage: s3Storage, scenarios, layouts: ["objects"] })
  })
}
