import * as core from "@ckpt/core"
import { expect, test } from "vitest"
import { explore } from "../src/explore.js"
import { reportOf } from "../src/report.js"
import { type PlanName, plans } from "../src/scenario/plans.js"

/** The sum of the parts in all files. */
const all = 586_000
const schedules = Number(process.env["CKPT_SCHEDULES"] ?? 135_800)
const firstSeed = Number(process.env["CKPT_SEED"] ?? 1)

/** A test that runs the plan's part of all schedules, and shows the first violation. */
export function exploring(plan: PlanName, part: number): void {
  const count = Math.max(1, Math.round((schedules * part) / all))
  test(`${plan}: ${plans[plan].says}; ${count} schedules from seed ${firstSeed}`, async () => {
    const { found, acknowledged } = await explore(plan, firstSeed, count, { core })
    if (found !== undefined) throw new Error((await reportOf(found, { core })).text)
    // A simulation proves something only if saves succeed in it.
    expect(acknowledged).toBeGreaterThan(count / 10)
  })
}
