import { CheckpointError, type LayoutName } from "@ckpt/core"
import type { FsBackend } from "@ckpt/fs"
import type { Core } from "./core.js"
import { Machine } from "./machine.js"
import { Model } from "./model/model.js"
import { Violation } from "./model/violation.js"
import type { Guide } from "./network/guide.js"
import { Network } from "./network/network.js"
import type { Lane } from "./network/request.js"
import { ProcessClock } from "./process/clock.js"
import { damage } from "./process/damage.js"
import { Process } from "./process/process.js"
import { told } from "./process/reader.js"
import type { World } from "./process/self.js"
import { describeAction } from "./scenario/action.js"
import { Choices } from "./scenario/choices.js"
import type { Random } from "./scenario/random.js"
import type { Scenario } from "./scenario/scenario.js"
import { startOf } from "./scenario/starts.js"
import { direct } from "./storage/direct.js"
import { SimulatedStorage, type StorageFlaws } from "./storage/storage.js"

export interface Outcome {
  readonly violation: Error | undefined
  /** The choices that were taken. With them the schedule replays. */
  readonly choices: readonly number[]
  readonly steps: number
  readonly acknowledged: number
  readonly trace: readonly string[]
}

export interface SimulateOptions {
  readonly core: Core
  readonly flaws?: StorageFlaws | undefined
  /** In the place of `@ckpt/fs`. */
  readonly fs?: typeof FsBackend | undefined
  /** Write each step down. */
  readonly trace?: boolean
  /** Decides which request arrives next, as long as anything is written down. */
  readonly guide?: Guide
}

/** Runs one schedule. `source` draws its choices, or is the choices that were recorded. */
export async function simulate(
  scenario: Scenario,
  source: Random | readonly number[],
  options: SimulateOptions,
): Promise<Outcome> {
  const { core, flaws } = options
  const { contentVersions, layout } = scenario
  const start = await startOf(scenario.start, contentVersions, layout)
  const storage = new SimulatedStorage({ contentVersions, flaws }, start.storage)
  const machine = scenario.disk === true ? new Machine(storage, options.fs) : undefined
  const choices = new Choices(source)
  const trace: string[] = []
  const log = options.trace === true ? (line: string) => void trace.push(line) : undefined
  let violation: unknown
  let steps = 0
  let acknowledged = 0
  try {
    const model = new Model(
      storage,
      start.acknowledged,
      scenario.odds.lags !== undefined,
      scenario.odds.mixed !== undefined,
    )
    const { odds, attempts, pageSize, probesAreScheduled } = scenario
    const network = new Network(storage, choices, model, {
      odds,
      pageSize,
      probesAreScheduled,
      log,
      guide: options.guide,
    })
    let count = start.contents
    const assertUnknown = (what: string) => {
      if (!network.isUnclear && !model.isTampered)
        throw new Violation(`the outcome of ${what} is said to be unknown, and each request was answered`)
    }
    const backend = (lane: Lane) => machine?.backend(lane, network) ?? network.backend(lane)
    const world: World = {
      core,
      layout,
      backend,
      assertUnknown,
      attempts,
      storage,
      network,
      model,
      count: () => ++count,
      log,
    }
    for (const action of scenario.atRest ?? []) {
      // Outside the call of `log`: without a trace its arguments are not evaluated.
      const words = damage(world, action)
      log?.(`at rest: ${describeAction(action)}: ${words}`)
    }
    let running = scenario.processes.length
    const processes: Process[] = []
    for (const [index, plan] of scenario.processes.entries()) {
      const process = new Process(`p${index + 1}`, plan, world)
      processes.push(process)
      void process
        .run()
        .catch((error: unknown) => {
          violation ??= error
        })
        .finally(() => {
          running--
        })
    }
    for (; steps < scenario.steps; steps++) {
      await (machine === undefined ? everybodyWaits() : thisTurnIsOver())
      if (violation !== undefined) break
      for (const process of processes) process.assertSound(false)
      if (running === 0) break
      if (network.step()) continue
      for (const process of processes) process.assertSound(true)
      break
    }
    if (violation === undefined && scenario.lateArrive) while (network.deliverLate()) {}
    if (violation === undefined) await checkEnd(core, storage, model, layout)
    if (violation === undefined) await machine?.assertSurvives(core, model, choices)
    acknowledged = model.saves
  } catch (error) {
    violation ??= error
  }
  const found =
    violation === undefined ? undefined : violation instanceof Error ? violation : new Error(String(violation))
  return { violation: found, choices: choices.taken, steps, acknowledged, trace }
}

/**
 * Resolves when every process waits for the network, or has ended. All that a process does after an answer are promise
 * jobs, and Node runs its next ticks only after the last promise job.
 */
function everybodyWaits(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

/** As {@link everybodyWaits}, for backends that share a look within one turn of the event loop. */
function thisTurnIsOver(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** At the end a fresh process must recover the checkpoint that the model calls the latest. */
async function checkEnd(
  core: Core,
  storage: SimulatedStorage,
  model: Model,
  layout: LayoutName | undefined,
): Promise<void> {
  const store = await core.openCheckpointStore({
    backend: direct(storage),
    ...(layout === undefined ? {} : { layout }),
    readOnly: true,
    timeoutMs: Number.POSITIVE_INFINITY,
    // Where a rule is left out, recovery may look again and again: its waits take no time of ours.
    clock: new ProcessClock(() => storage.now),
    random: () => 0,
  })
  try {
    const operation = model.begin({ do: "recover" }, "the end", 0)
    const { checkpoint, outcome, skipped } = await store.recover()
    const id = checkpoint?.id ?? 0
    if (model.isDamaged) {
      model.readings.latest(operation, id, checkpoint?.manifest.epoch, told(skipped, outcome))
    } else if (id !== model.latest || skipped.length > 0 || outcome === "exhausted") {
      const damaged = skipped.map((one) => `, ${one.id} damaged (${one.issues[0]?.message})`).join("")
      throw new Violation(`in the end recovery says ${outcome} ${id}${damaged}; the latest is ${model.latest}`)
    }
  } catch (error) {
    if (error instanceof CheckpointError) throw new Violation(`in the end recovery fails: ${error.message}`)
    throw error
  }
}
