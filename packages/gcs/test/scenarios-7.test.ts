import { budgetScenarios, describeScenarios, referenceScenarios, scenarioGroups } from "@ckpt/conformance"
import { describe, test } from "vitest"
import { clients, gcsStorage } from "./storage.js"

const groups = { ...scenarioGroups, reference: referenceScenarios, budgets: budgetScenarios }

for (const [name, scenarios] of Object.entries(groups)) {
  describe(name, () => {
    const storage = gcsStorage(clients["@google-cloud/storage 7"])
    describeScenarios({ test, storage, scenarios, layouts: ["objects"] })
  })
}
