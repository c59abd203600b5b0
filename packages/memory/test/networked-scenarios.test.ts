import { budgetScenarios, describeScenarios, referenceScenarios, scenarioGroups } from "@ckpt/conformance"
import { describe } from "vitest"
import { networkedStorage, seededTest, variants } from "./networked/storage.js"

const groups = { ...scenarioGroups, reference: referenceScenarios, budgets: budgetScenarios }
const names = Object.keys(variants)

/**
 * Each group runs on one kind of storage, the next group on the next kind. If this is set, all groups run on all kinds.
 */
const all = process.env["CKPT_NETWORK_ALL"] !== undefined

for (const [index, [group, scenarios]] of Object.entries(groups).entries()) {
  for (const [place, [name, traits]] of Object.entries(variants).entries()) {
    if (!all && place !== index % names.length) continue
    describe(`${group}, where ${name}`, () => {
      describeScenarios({ test: seededTest, storage: networkedStorage(traits), scenarios, layouts: ["objects"] })
    })
  }
}
