import { describeScenarios, scenarioGroups } from "@ckpt/conformance"
import { describe, test } from "vitest"
import { hasServer, s3Storage } from "./storage.js"

// Some groups have a file of their own, so that files can run at once.
describe.runIf(hasServer)("crashes", () => {
  describeScenarios({
    test,
    storage: s3Storage,
    scenarios: scenarioGroups.crashes ?? [],
    layouts: ["objects"],
  })
})
