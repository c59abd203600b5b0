import { lightly } from "./abort.js"
import { Guide } from "./network/guide.js"
import type { Scenario } from "./scenario/scenario.js"
import type { Written } from "./scenario/written.js"
import { type Outcome, type SimulateOptions, simulate } from "./simulate.js"

const calm = { stays: 1, answerLost: 0, lost: 0, delayed: 0, twice: 0, crash: 0, readFails: 0, slowBody: 0 }

/** Plays a schedule that is written down. */
export function play({ start, processes, steps }: Written, options: SimulateOptions): Promise<Outcome> {
  const scenario: Scenario = {
    start,
    processes: processes.map((actions) => ({ actions })),
    odds: steps.some(({ lags }) => lags !== undefined) ? { ...calm, lags: 0 } : calm,
    attempts: 1,
    pageSize: 1_000,
    contentVersions: false,
    probesAreScheduled: false,
    steps: 2_000,
    lateArrive: false,
  }
  return lightly(() => simulate(scenario, [], { ...options, guide: new Guide(steps) }))
}
