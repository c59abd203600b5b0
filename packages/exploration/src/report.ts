import type { Found } from "./explore.js"
import type { Schedule } from "./scenario/scenario.js"
import { shrink } from "./shrink.js"
import { simulate } from "./simulate.js"
import type { SimulateOptions } from "./simulate-options.js"

export interface Report {
  /** The message of the violation in the shortened schedule. */
  readonly violation: string
  /** Each step of the schedule. */
  readonly lines: readonly string[]
  readonly schedule: Schedule
  /** The whole report. */
  readonly text: string
}

/** Shrinks a schedule with a violation and tells it line by line, with the command that finds it again. */
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
    `again: npm run explore -- --plan ${JSON.stringify(found.plan)} --seed ${found.seed} --count 1${mutant}`,
  ].join("\n")
  return { violation: message, lines, schedule, text }
}

/** Runs the schedule once more, with its trace. */
export function replay(schedule: Schedule, options: SimulateOptions) {
  return simulate(schedule.scenario, [...schedule.choices], { ...options, trace: true })
}
