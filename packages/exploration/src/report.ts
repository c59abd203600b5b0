import type { Found } from "./explore.js"
import type { Schedule } from "./scenario/scenario.js"
import { shrink } from "./shrink.js"
import { type SimulateOptions, simulate } from "./simulate.js"

export interface Report {
  /** What was violated, by the shortest schedule that was found. */
  readonly violation: string
  /** What happens in it. */
  readonly lines: readonly string[]
  readonly schedule: Schedule
  /** All of it, to be read. */
  readonly text: string
}

/** Shrinks what was found and tells it line by line, with the command that finds it again. */
export async function reportOf(found: Found, options: SimulateOptions, variant?: string): Promise<Report> {
  const schedule = await shrink(found, options)
  const { violation, trace } = await replay(schedule, options)
  const message = violation?.message ?? `only seen once: ${found.violation.message}`
  const width = String(trace.length).length
  const lines = trace.map((line, index) => `${String(index + 1).padStart(width)}  ${line}`)
  const mutant = variant === undefined ? "" : ` --mutant ${JSON.stringify(variant)}`
  const text = [
    `${message}`,
    `plan ${JSON.stringify(found.plan)}, seed ${found.seed}; at the start: ${schedule.scenario.start}`,
    ...lines,
    `again: pnpm explore --plan ${JSON.stringify(found.plan)} --seed ${found.seed} --count 1${mutant}`,
  ].join("\n")
  return { violation: message, lines, schedule, text }
}

/** The same schedule once more, written down. */
export function replay(schedule: Schedule, options: SimulateOptions) {
  return simulate(schedule.scenario, [...schedule.choices], { ...options, trace: true })
}
