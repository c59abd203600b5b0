import { budgetScenarios, describeScenarios, referenceScenarios } from "@ckpt/conformance"
import { describe, test } from "vitest"
import { hasServer, s3Storage } from "./storage.js"

describe.runIf(hasServer)("the reference's own tests", () => {
  describeScenarios({ test, storage: s3Storage, scenarios: referenceScenarios, layouts: ["objects"] })
})

describe.runIf(hasServer)("budgets", () => {
  describeScenarios({ test, storage: s3Storage, scenarios: budgetScenarios, layouts: ["objects"] })
})
