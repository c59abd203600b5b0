import type { Cast } from "./cast.js"
import { Choices } from "./scenario/choices.js"
import type { Random } from "./scenario/random.js"
import type { Scenario } from "./scenario/scenario.js"
import type { SimulateOptions } from "./simulate-options.js"
import { storesOn } from "./stores.js"
import { saversOn } from "./threads/savers.js"

export interface Outcome {
  readonly violation: Error | undefined
  /** The choices that were taken. With them the schedule replays. */
  readonly choices: readonly number[]
  readonly steps: number
  readonly acknowledged: number
  readonly trace: readonly string[]
}

/** Runs one schedule. `source` draws its choices, or is the choices that were recorded. */
export async function simulate(
  scenario: Scenario,
  source: Random | readonly number[],
  options: SimulateOptions,
): Promise<Outcome> {
  const choices = new Choices(source)
  const trace: string[] = []
  const log = options.trace === true ? (line: string) => void trace.push(line) : undefined
  let cast: Cast | undefined
  let violation: unknown
  let steps = 0
  let acknowledged = 0
  try {
    cast = await (scenario.threads === true ? saversOn : storesOn)({ scenario, options, choices, log })
    const { network, actors } = cast
    let running = actors.length
    for (const actor of actors) {
      void actor
        .run()
        .catch((error: unknown) => {
          violation ??= error
        })
        .finally(() => {
          running--
        })
    }
    for (; steps < scenario.steps; steps++) {
      await cast.everybodyWaits()
      if (violation !== undefined) break
      if (cast.look !== undefined) await cast.look()
      for (const actor of actors) actor.assertSound(false)
      if (running === 0) break
      cast.timePasses?.()
      if (network.step()) continue
      for (const actor of actors) actor.assertSound(true)
      break
    }
    if (violation === undefined && scenario.lateArrive) while (network.deliverLate()) {}
    if (violation === undefined) await cast.checkEnd()
    acknowledged = cast.acknowledged
  } catch (error) {
    violation ??= error
  }
  const found =
    violation === undefined ? undefined : violation instanceof Error ? violation : new Error(String(violation))
  return { violation: found, choices: choices.taken, steps, acknowledged, trace }
}
