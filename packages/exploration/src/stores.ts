import { CheckpointError, type LayoutName } from "@ckpt/core"
import { type Cast, everybodyWaits, type Stage } from "./cast.js"
import type { Core } from "./core.js"
import { Machine } from "./machine.js"
import { Model } from "./model/model.js"
import { Violation } from "./model/violation.js"
import { Network } from "./network/network.js"
import type { Lane } from "./network/request.js"
import { ProcessClock } from "./process/clock.js"
import { damage } from "./process/damage.js"
import { Process } from "./process/process.js"
import { told } from "./process/reader.js"
import type { World } from "./process/self.js"
import { type Damage, describeAction } from "./scenario/action.js"
import { startOf } from "./scenario/starts.js"
import { direct } from "./storage/direct.js"
import { SimulatedStorage } from "./storage/storage.js"

/** Stores of core, each as a process of its own. */
export async function storesOn({ scenario, options, choices, log }: Stage): Promise<Cast> {
  const { core, flaws } = options
  const { contentVersions, layout, odds, attempts, pageSize, probesAreScheduled } = scenario
  const start = await startOf(scenario.start, contentVersions, layout)
  const storage = new SimulatedStorage({ contentVersions, flaws }, start.storage)
  const machine = scenario.disk === true ? new Machine(storage, options.fs) : undefined
  const model = new Model(storage, start.acknowledged, odds.lags !== undefined, odds.mixed !== undefined)
  const network = new Network(storage, choices, model, {
    odds,
    pageSize,
    probesAreScheduled,
    log,
    guide: options.guide,
  })
  let count = start.contents
  const assertUnknown = (what: string) => {
    if (!network.isUnclear && !model.tampering.hasAny)
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
    const words = damage(world, action as Damage)
    log?.(`at rest: ${describeAction(action)}: ${words}`)
  }
  return {
    network,
    actors: scenario.processes.map((plan, index) => new Process(`p${index + 1}`, plan, world)),
    everybodyWaits: machine === undefined ? everybodyWaits : thisTurnIsOver,
    async checkEnd() {
      await checkEnd(core, storage, model, layout)
      await machine?.assertSurvives(core, model, choices)
    },
    get acknowledged() {
      return model.answers.saves
    },
  }
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
