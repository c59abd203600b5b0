import { budgetScenarios, describeScenarios, referenceScenarios, scenarioGroups } from "@ckpt/conformance"
import { describe } from "vitest"
import { azureStorage, test } from "./storage.js"

const groups = { ...scenarioGroups, reference: referenceScenarios, budgets: budgetScenarios }
const files = 3

/** The scenarios of one of three files, which take about the same time and run at once. */
export function describeThird(file: 0 | 1 | 2): void {
  for (const [name, scenarios] of Object.entries(groups)) {
    const some = scenarios.filter((_, index) => index % files === file)
    describe(name, () => {
      describeScenarios({ test, storage: azureStorage, scenarios: some, layouts: ["objects"] })
    })
  }
}
