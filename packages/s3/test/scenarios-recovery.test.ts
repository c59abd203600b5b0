import { describeScenarios, scenarioGroups } from "@ckpt/conformance"
import { describe, test } from "vitest"
import { hasServer, s3Storage } from "./storage.js"

describe.runIf(hasServer)("recovery", () => {
  describeScenarios({
    test,
    storage: s3Storage,
    scenarios: scenarioGroups.recovery ?? [],
    layouts: ["objects"],
  })
})
