import * as core from "@ckpt/core"
import { expect, test } from "vitest"
import { explore } from "../src/explore.js"
import { reportOf } from "../src/report.js"
import { type PlanName, plans } from "../src/scenario/plans.js"

const share = Number(process.env["CKPT_SCHEDULES"] ?? 135_000) / 135_000
const firstSeed = Number(process.env["CKPT_SEED"] ?? 1)

/** A test that runs so many schedules of a plan (of 135,000 in all files), and shows the first violation. */
export function exploring(plan: PlanName, of135_000: number): void {
  const count = Math.max(1, Math.round(of135_000 * share))
  test(`${plan}: ${plans[plan].says}; ${count} schedules from seed ${firstSeed}`, async () => {
    const { found, acknowledged } = await explore(plan, firstSeed, count, { core })
    if (found !== undefined) throw new Error((await reportOf(found, { core })).text)
    // A simulation proves something only if saves succeed in it.
    expect(acknowledged).toBeGreaterThan(count / 10)
  })
}
