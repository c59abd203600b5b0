import { describeScenarios, referenceScenarios, scenarioGroups, type TestStorage } from "@ckpt/conformance"
import { describe, test } from "vitest"
import { completeMemory } from "./mutants/complete-memory.js"

/** A storage with compare-and-swap and a transaction of its own: for core, the transaction is only how two creates happen at once. */
function transactional(): TestStorage {
  const backend = completeMemory()
  return { open: () => backend }
}

for (const [name, scenarios] of Object.entries({ ...scenarioGroups, reference: referenceScenarios })) {
  describe(`${name}, with transactions`, () => {
    describeScenarios({ test, storage: transactional, scenarios })
  })
}
