import { lightly } from "./abort.js"
import { Guide } from "./network/guide.js"
import type { Scenario } from "./scenario/scenario.js"
import type { StartName } from "./scenario/starts.js"
import type { Written } from "./scenario/written.js"
import { type Outcome, simulate } from "./simulate.js"
import type { SimulateOptions } from "./simulate-options.js"

const calm = { stays: 1, answerLost: 0, lost: 0, delayed: 0, twice: 0, crash: 0, readFails: 0, slowBody: 0 }

/** A scenario in which nothing goes wrong by chance. */
export function calmly(start: StartName, processes: Written["processes"]): Scenario {
  return {
    start,
    processes: processes.map((actions) => ({ actions })),
    odds: calm,
    attempts: 1,
    pageSize: 1_000,
    contentVersions: false,
    probesAreScheduled: false,
    steps: 2_000,
    lateArrive: false,
  }
}

/** Plays a schedule that is written down. */
export function play(
  { start, processes, steps, contentVersions = false }: Written,
  options: SimulateOptions,
): Promise<Outcome> {
  const lags = steps.some((step) => step.lags !== undefined)
  const scenario = { ...calmly(start, processes), contentVersions, odds: lags ? { ...calm, lags: 0 } : calm }
  return lightly(() => simulate(scenario, [], { ...options, guide: new Guide(steps) }))
}
