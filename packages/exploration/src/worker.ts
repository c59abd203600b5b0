import { parentPort } from "node:worker_threads"
import * as core from "@ckpt/core"
import { type Coverage, coverageOf } from "./coverage.js"
import { type Explored, explore } from "./explore.js"
import { mutants } from "./mutants/index.js"
import type { PlanName } from "./scenario/plans.js"

/** Schedules of a plan; or, of a rule, some without it. */
export type Portion =
  | { readonly plan: PlanName; readonly firstSeed: number; readonly count: number }
  | { readonly rule: string; readonly firstSeed: number; readonly count: number }

/** Tells the seed and not the error: an error does not reach another thread as it is. */
export type Answer = Omit<Explored, "found"> & {
  readonly foundSeed: number | undefined
  readonly coverage: Coverage | undefined
}

async function answerTo(portion: Portion): Promise<Answer> {
  const { firstSeed, count } = portion
  if ("plan" in portion) {
    const { found, ...counts } = await explore(portion.plan, firstSeed, count, { core })
    return { ...counts, foundSeed: found?.seed, coverage: undefined }
  }
  const mutant = mutants.find(({ name }) => name === portion.rule)
  if (mutant === undefined) throw new Error(`no mutant ${portion.rule}`)
  const coverage = await coverageOf(mutant, firstSeed, count)
  return { schedules: 0, steps: 0, acknowledged: 0, foundSeed: undefined, coverage }
}

parentPort?.on("message", async (portion: Portion) => {
  parentPort?.postMessage(await answerTo(portion))
})
