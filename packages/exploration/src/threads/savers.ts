import type { ObjectBackend } from "@ckpt/core"
import { type Cast, everybodyWaits, type Stage } from "../cast.js"
import { Violation } from "../model/violation.js"
import { Network } from "../network/network.js"
import { ProcessClock } from "../process/clock.js"
import { day } from "../scenario/draw-threads.js"
import { threadNames } from "../scenario/thread-action.js"
import { direct } from "../storage/direct.js"
import { SimulatedStorage } from "../storage/storage.js"
import { parseKey } from "./keys.js"
import type { Operation } from "./known.js"
import { Model } from "./model.js"
import { openSaver } from "./saver.js"
import { SaverProcess } from "./saver-process.js"
import type { World } from "./world.js"

/** How far the clock goes on at once, in the order of {@link Odds.passes}. */
const steps = [60_000, 3_600_000, 10 * 3_600_000, day]

/** Savers of `@ckpt/langgraph`, each as a process of its own. */
export async function saversOn({ scenario, options, choices, log }: Stage): Promise<Cast> {
  const { odds, attempts, pageSize, probesAreScheduled, contentVersions } = scenario
  const storage = new SimulatedStorage({ contentVersions })
  const model = new Model(storage, () => network.late)
  const network: Network = new Network(storage, choices, model, {
    odds,
    pageSize,
    probesAreScheduled,
    log,
    guide: options.guide,
  })
  const pass = (ms: number) => {
    storage.now = Math.max(storage.now, Math.min(storage.now + ms, network.due))
    network.forgetOverdue(storage.now)
  }
  let count = 0
  const world: World = {
    Saver: options.saver,
    storage,
    network,
    model,
    attempts,
    count: () => ++count,
    pass(ms) {
      pass(ms)
      log?.(`it is ${new Date(storage.now).toISOString()}`)
    },
    damage: ({ thread, kind, which }) => {
      const keys = [...storage.objects.keys()].filter((key) => {
        const parsed = parseKey(key)
        return parsed?.thread === thread && parsed.kind === kind
      })
      const key = kind === "checkpoint" ? model.roots(thread)[which]?.key : keys.sort()[which]
      if (key !== undefined) model.damages.damage(key)
      return key ?? "nothing there"
    },
    log,
  }
  if (scenario.atRest !== undefined) await new SaverProcess("p0", scenario.atRest, world, direct(storage)).run()
  return {
    network,
    actors: scenario.processes.map(({ actions }, index) => new SaverProcess(`p${index + 1}`, actions, world)),
    everybodyWaits,
    look: () => model.look(),
    timePasses() {
      const step = choices.odds(odds.passes ?? [])
      if (step > 0) world.pass(steps[step - 1] as number)
    },
    checkEnd: () => checkEnd(world),
    get acknowledged() {
      return model.acknowledged
    },
  }
}

/** In the end nothing is missing, and a quiet prune leaves nothing that nobody needs. */
async function checkEnd({ Saver, storage, model }: World): Promise<void> {
  await model.assertKept()
  model.damages.heal()
  await model.assertKept()
  storage.now += 10 * day
  let doing: readonly Operation[] = []
  const backend = direct(storage)
  const judged: ObjectBackend = {
    ...backend,
    async delete(keys) {
      model.beforeApply({ kind: "delete", keys, doing }, false)
      return backend.delete(keys)
    },
  }
  const saver = openSaver(judged, new ProcessClock(() => storage.now), { Saver })
  for (const thread of threadNames) {
    const action = { do: "prune thread", thread, rules: { last: 1 } } as const
    const prune = model.begin({ what: "prune", action, process: "the end", thread, rules: { last: 1, keep: [] } })
    doing = [prune]
    await saver.pruneThread(thread, { last: 1 })
    model.end(prune)
    await model.look()
    await model.assertSwept(thread)
    doing = [model.begin({ what: "delete", action: { do: "delete thread", thread }, process: "the end", thread })]
    await saver.deleteThread(thread)
    const [left] = model.keys(thread)
    if (left !== undefined) throw new Violation(`thread ${thread} was deleted, and ${left} is there`)
  }
}
