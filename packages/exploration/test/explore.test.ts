import { describe, expect, test } from "vitest"
import { type Plan, simulate } from "./simulation.js"

const schedules = Number(process.env["CKPT_SCHEDULES"] ?? 100)
const firstSeed = Number(process.env["CKPT_SEED"] ?? 1)

const plans: Record<string, Plan> = {
  "plain stores": { processes: 2, actions: 8, claiming: false, deleting: false },
  "plain stores, with retention and collection": { processes: 3, actions: 8, claiming: false, deleting: true },
  "writers that claim": { processes: 2, actions: 8, claiming: true, deleting: false },
  "writers that claim, with retention and collection": { processes: 3, actions: 8, claiming: true, deleting: true },
}

describe.each(Object.entries(plans))("%s", (_, plan) => {
  test(`${schedules} schedules from seed ${firstSeed}`, async () => {
    let acknowledged = 0
    for (let seed = firstSeed; seed < firstSeed + schedules; seed++)
      acknowledged += (await simulate(plan, seed)).acknowledged
    // A simulation in which nothing succeeds shows nothing.
    expect(acknowledged).toBeGreaterThan(schedules)
  })
})
