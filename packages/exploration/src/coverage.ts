import { lightly } from "./abort.js"
import { run } from "./explore.js"
import type { Mutant } from "./mutants/mutant.js"
import { mutantOptions } from "./mutants/mutant-core.js"
import { type PlanName, planNames } from "./scenario/plans.js"

/** How often a rule was decisive: a schedule is one of these if something is violated in it once the rule is left out. */
export interface Coverage {
  readonly rule: string
  readonly schedules: number
  readonly decisive: number
  /** The plan in which it was decisive most often. */
  readonly mostOften: PlanName | undefined
  /** A schedule that is written down shows it, whatever chance does. */
  readonly isWritten: boolean
}

/** Plays schedules without the rule, each by its seed, spread evenly over the plans of the mutant, or over all. */
export async function coverageOf(mutant: Mutant, firstSeed: number, schedules: number): Promise<Coverage> {
  const options = await mutantOptions(mutant)
  const chosen = mutant.plans ?? planNames
  const decisive = new Map<PlanName, number>()
  await lightly(async () => {
    for (let done = 0; done < schedules; done++) {
      const plan = chosen[done % chosen.length] as PlanName
      const { violation } = await run(plan, firstSeed + Math.floor(done / chosen.length), options)
      if (violation !== undefined) decisive.set(plan, (decisive.get(plan) ?? 0) + 1)
    }
  })
  const [most] = [...decisive].sort(([, a], [, b]) => b - a)
  const sum = [...decisive.values()].reduce((all, one) => all + one, 0)
  const isWritten = mutant.written !== undefined
  return { rule: mutant.name, schedules, decisive: sum, mostOften: most?.[0], isWritten }
}

/** A line for each rule, the most decisive first. At the end those that no schedule needed. */
export function coverageTable(all: readonly Coverage[]): string {
  const needed = all.filter(({ decisive }) => decisive > 0).sort((a, b) => b.decisive - a.decisive)
  const never = all.filter(({ decisive }) => decisive === 0)
  return [
    "Rules, each left out: in how many schedules of its plans something is violated then",
    ...needed.map(
      ({ rule, decisive, schedules, mostOften }) =>
        `${String(decisive).padStart(6)} of ${schedules}  ${rule} (${mostOften})`,
    ),
    ...never.map(
      ({ rule, schedules, isWritten }) =>
        ` never of ${schedules}  ${rule}${isWritten ? ": a schedule that is written down needs it" : ""}`,
    ),
  ].join("\n")
}
