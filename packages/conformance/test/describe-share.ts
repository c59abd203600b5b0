import {
  budgetScenarios,
  describeScenarios,
  referenceScenarios,
  type ScenariosOptions,
  scenarioGroups,
} from "@ckpt/conformance"
import { describe } from "vitest"

const groups = { ...scenarioGroups, reference: referenceScenarios, budgets: budgetScenarios }

/** Every `of`-th scenario from the one at `index` on, in the layout of objects: some files share the scenarios, and run at once. */
export function describeShare(options: Pick<ScenariosOptions, "test" | "storage">, index: number, of: number): void {
  for (const [name, scenarios] of Object.entries(groups)) {
    const share = scenarios.filter((_, at) => at % of === index)
    if (share.length > 0)
      describe(name, () => describeScenarios({ ...options, scenarios: share, layouts: ["objects"] }))
  }
}
