import { parentPort } from "node:worker_threads"
import * as core from "@ckpt/core"
import { type Explored, explore } from "./explore.js"
import type { PlanName } from "./scenario/plans.js"

export interface Portion {
  readonly plan: PlanName
  readonly firstSeed: number
  readonly count: number
}

/** Errors do not survive the way between threads as they are. */
export type Answer = Omit<Explored, "found"> & { readonly foundSeed: number | undefined }

parentPort?.on("message", async ({ plan, firstSeed, count }: Portion) => {
  const { found, ...counts } = await explore(plan, firstSeed, count, { core })
  parentPort?.postMessage({ ...counts, foundSeed: found?.seed } satisfies Answer)
})
