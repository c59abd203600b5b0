import { lightly } from "./abort.js"
import type { Action } from "./scenario/action.js"
import type { ProcessPlan, Scenario, Schedule } from "./scenario/scenario.js"
import { type Outcome, simulate } from "./simulate.js"
import type { SimulateOptions } from "./simulate-options.js"

/** A schedule that ends in a violation, and how much there is to read in it. */
interface Best extends Schedule {
  readonly cost: number
}

/**
 * Makes a schedule that ends in a violation as short as possible: leaves out processes, actions and faults, and makes
 * choices 0, as long as the schedule still ends in some violation.
 */
export function shrink(schedule: Schedule, options: SimulateOptions, maxRuns = 500): Promise<Schedule> {
  return lightly(() => new Shrinker(options, maxRuns).shrink(schedule))
}

class Shrinker {
  readonly #options: SimulateOptions
  #runsLeft: number
  #best: Best | undefined

  constructor(options: SimulateOptions, maxRuns: number) {
    this.#options = options
    this.#runsLeft = maxRuns
  }

  async shrink(schedule: Schedule): Promise<Schedule> {
    if (!(await this.#try(schedule.scenario, schedule.choices))) return schedule
    for (let before = Number.POSITIVE_INFINITY; this.#cost < before && this.#runsLeft > 0; ) {
      before = this.#cost
      await this.#simplify()
      await this.#plainChoices()
      await this.#withoutBlocks()
      await this.#lowerChoices()
    }
    const { scenario, choices } = this.#now
    return { scenario, choices }
  }

  get #now(): Best {
    return this.#best as Best
  }

  get #cost(): number {
    return this.#now.cost
  }

  /** Runs a candidate and keeps it if it still ends in a violation and is easier to read. */
  async #try(scenario: Scenario, choices: readonly number[]): Promise<boolean> {
    if (this.#runsLeft-- <= 0) return false
    const outcome = await simulate(scenario, [...choices], this.#options)
    if (outcome.violation === undefined) return false
    const cost = costOf(scenario, outcome)
    if (this.#best !== undefined && cost >= this.#best.cost) return false
    this.#best = { scenario, choices: withoutTail(outcome.choices), cost }
    return true
  }

  /** Leaves out processes and actions, and makes those that stay as plain as possible. */
  async #simplify(): Promise<void> {
    for (const candidate of simpler(this.#now.scenario)) {
      const { scenario } = this.#now
      await this.#try(candidate(scenario), this.#now.choices)
    }
    for (let index = (this.#now.scenario.atRest?.length ?? 0) - 1; index >= 0; index--) {
      const { scenario, choices } = this.#now
      await this.#try({ ...scenario, atRest: scenario.atRest?.filter((_, i) => i !== index) ?? [] }, choices)
    }
    for (let process = this.#now.scenario.processes.length - 1; process >= 0; process--) {
      if (await this.#withProcesses((all) => all.filter((_, index) => index !== process))) continue
      const count = this.#now.scenario.processes[process]?.actions.length ?? 0
      for (let action = count - 1; action >= 0; action--) {
        const change = (make: (one: Action) => Action[]) =>
          this.#withProcesses((all) =>
            all.map((plan, index) =>
              index === process
                ? { ...plan, actions: plan.actions.flatMap((a, i) => (i === action ? make(a) : [a])) }
                : plan,
            ),
          )
        if (await change(() => [])) continue
        await change(({ meanwhile: _, ...rest }) => [rest])
        await change(({ abortAt: _, ...rest }) => [rest])
        await change((one) => (one.do === "save" ? [{ do: "save" }] : [one]))
      }
    }
  }

  #withProcesses(change: (all: readonly ProcessPlan[]) => readonly ProcessPlan[]): Promise<boolean> {
    const { scenario, choices } = this.#now
    return this.#try({ ...scenario, processes: change(scenario.processes) }, choices)
  }

  async #plainChoices(): Promise<void> {
    await this.#blocks((choices, start, size) => choices.map((one, i) => (i >= start && i < start + size ? 0 : one)))
  }

  async #withoutBlocks(): Promise<void> {
    await this.#blocks((choices, start, size) => choices.filter((_, i) => i < start || i >= start + size))
  }

  async #blocks(change: (choices: readonly number[], start: number, size: number) => number[]): Promise<void> {
    for (let size = this.#now.choices.length; size >= 1; size = Math.floor(size / 2)) {
      for (let start = 0; start < this.#now.choices.length; ) {
        const { scenario, choices } = this.#now
        const candidate = change(choices, start, size)
        const same = candidate.length === choices.length && candidate.every((one, i) => one === choices[i])
        if (same || !(await this.#try(scenario, candidate))) start += size
      }
    }
  }

  async #lowerChoices(): Promise<void> {
    for (let index = 0; index < this.#now.choices.length; index++) {
      const value = this.#now.choices[index] ?? 0
      for (let lower = 1; lower < value; lower++) {
        const { scenario, choices } = this.#now
        if (
          await this.#try(
            scenario,
            choices.map((one, i) => (i === index ? lower : one)),
          )
        )
          break
      }
    }
  }
}

function* simpler(scenario: Scenario): Generator<(now: Scenario) => Scenario> {
  if (scenario.start !== "nothing") {
    // The directory layout has no room for claims.
    const starts =
      scenario.layout === "directory" ? (["nothing", "two"] as const) : (["nothing", "two", "claimed"] as const)
    for (const start of starts) yield (now) => ({ ...now, start })
  }
  yield (now) => ({ ...now, pageSize: 1_000 })
  yield (now) => ({ ...now, contentVersions: false })
  yield (now) => ({ ...now, probesAreScheduled: false })
  yield (now) => ({ ...now, lateArrive: false })
  yield (now) => ({ ...now, processes: now.processes.map(({ actions }) => ({ actions })) })
}

function costOf(scenario: Scenario, { steps, choices }: Outcome): number {
  const atRest = scenario.atRest?.length ?? 0
  const actions = scenario.processes.reduce((sum, one) => sum + 1 + one.actions.length, atRest)
  const odd = choices.filter((one) => one !== 0).length
  const features = [
    scenario.start !== "nothing",
    scenario.pageSize < 1_000,
    scenario.contentVersions,
    scenario.probesAreScheduled,
    scenario.lateArrive,
    scenario.processes.some((one) => one.retain !== undefined),
    ...scenario.processes.flatMap((one) => one.actions.map((action) => action.meanwhile === true)),
  ].filter((one) => one).length
  // A lower value costs a little less, so that lowering a choice counts as a gain.
  const height = choices.reduce((sum, one) => sum + one, 0) / 1_000
  return steps + 2 * actions + odd + 0.5 * features + height
}

function withoutTail(choices: readonly number[]): number[] {
  return choices.slice(0, choices.findLastIndex((one) => one !== 0) + 1)
}
