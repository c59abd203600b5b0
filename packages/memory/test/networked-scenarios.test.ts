import { budgetScenarios, describeScenarios, referenceScenarios, scenarioGroups } from "@ckpt/conformance"
import { describe } from "vitest"
import { networkedStorage, seededTest, variants } from "./networked/storage.js"

const groups = { ...scenarioGroups, reference: referenceScenarios, budgets: budgetScenarios }
const names = Object.keys(variants)

/** One kind of storage for each group, the next kind for the next; all kinds for all groups where this is set. */
const all = process.env["CKPT_NETWORK_ALL"] !== undefined

for (const [index, [group, scenarios]] of Object.entries(groups).entries()) {
  for (const [place, [name, traits]] of Object.entries(variants).entries()) {
    if (!all && place !== index % names.length) continue
    describe(`${group}, where ${name}`, () => {
      describeScenarios({ test: seededTest, storage: networkedStorage(traits), scenarios, layouts: ["objects"] })
    })
  }
}
