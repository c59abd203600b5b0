import { parentPort } from "node:worker_threads"
import * as core from "@ckpt/core"
import { type Explored, explore } from "./explore.js"
import type { PlanName } from "./scenario/plans.js"

export interface Portion {
  readonly plan: PlanName
  readonly firstSeed: number
  readonly count: number
}

/** Tells the seed and not the error: an error does not reach another thread as it is. */
export type Answer = Omit<Explored, "found"> & { readonly foundSeed: number | undefined }

parentPort?.on("message", async ({ plan, firstSeed, count }: Portion) => {
  const { found, ...counts } = await explore(plan, firstSeed, count, { core })
  parentPort?.postMessage({ ...counts, foundSeed: found?.seed } satisfies Answer)
})
