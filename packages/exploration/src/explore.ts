import { lightly } from "./abort.js"
import type { Core } from "./core.js"
import { scenarioOf } from "./scenario/draw.js"
import type { PlanName } from "./scenario/plans.js"
import { Random } from "./scenario/random.js"
import type { Schedule } from "./scenario/scenario.js"
import { type Outcome, simulate } from "./simulate.js"
import type { SimulateOptions } from "./simulate-options.js"

export interface Found extends Schedule {
  readonly plan: PlanName
  readonly seed: number
  readonly violation: Error
}

export interface Explored {
  readonly schedules: number
  readonly steps: number
  readonly acknowledged: number
  /** The first violation, where one was found. */
  readonly found: Found | undefined
}

/** The schedule that a seed decides. */
export function runSeed(plan: PlanName, seed: number, options: SimulateOptions): Promise<Outcome & Schedule> {
  return lightly(() => run(plan, seed, options))
}

/** As {@link runSeed}, within `lightly`. */
export async function run(plan: PlanName, seed: number, options: SimulateOptions): Promise<Outcome & Schedule> {
  const random = new Random(seed)
  const scenario = scenarioOf(plan, random)
  return { scenario, ...(await simulate(scenario, random, options)) }
}

/** Runs the schedules of so many seeds, up to the first violation. */
export function explore(
  plan: PlanName,
  firstSeed: number,
  count: number,
  options: { core: Core; flaws?: SimulateOptions["flaws"] },
): Promise<Explored> {
  return lightly(() => exploreAll(plan, firstSeed, count, options))
}

async function exploreAll(
  plan: PlanName,
  firstSeed: number,
  count: number,
  options: { core: Core; flaws?: SimulateOptions["flaws"] },
): Promise<Explored> {
  let steps = 0
  let acknowledged = 0
  for (let done = 0; done < count; done++) {
    const seed = firstSeed + done
    const { violation, scenario, choices, ...counts } = await run(plan, seed, options)
    steps += counts.steps
    acknowledged += counts.acknowledged
    if (violation !== undefined) {
      return { schedules: done + 1, steps, acknowledged, found: { plan, seed, scenario, choices, violation } }
    }
    // Lets timers and messages have their turn: a chain of promises alone would keep them waiting.
    if (done % 64 === 63) await new Promise((resolve) => setImmediate(resolve))
  }
  return { schedules: count, steps, acknowledged, found: undefined }
}
