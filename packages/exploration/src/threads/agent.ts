import type { Checkpoint, CheckpointMetadata } from "@langchain/langgraph-checkpoint"
import type { Action } from "../scenario/action.js"
import type { RunStep, ThreadName } from "../scenario/thread-action.js"
import { configOf, Known, textOf } from "./known.js"
import { Reader } from "./reader.js"
import { type Config, largeValue } from "./saver.js"
import type { Caller } from "./world.js"

interface Given {
  readonly thread: ThreadName
  readonly namespace: string
  readonly id: string
  readonly parent: string | undefined
  readonly values: Record<string, unknown>
  readonly root?: string
  readonly delta?: boolean
}

/** Runs a thread as LangGraph does: reads a checkpoint, and puts others on top of it. */
export class Agent {
  readonly #self: Caller

  constructor(self: Caller) {
    this.#self = self
  }

  async run(action: Extract<Action, { do: "run" }>): Promise<string> {
    const { thread, which, steps } = action
    const tuple = await new Reader(this.#self).tuple(action, thread, which)
    if (tuple === "failed" || (which > 0 && tuple === undefined)) return "nothing to go on from"
    let parent: string | undefined = tuple?.config.configurable?.["checkpoint_id"]
    let values: Record<string, unknown> = tuple?.checkpoint.channel_values ?? {}
    for (const step of steps) {
      const id = this.#newId()
      values = { ...values, ...newValues(step), step: this.#self.world.count() }
      if (step.subgraph?.first === true) await this.#putSubgraph(action, thread, step, id)
      const given = { thread, namespace: "", id, parent, values, delta: step.delta === true }
      const early: Promise<void>[] = []
      const known = await this.#put(action, given, (on) => {
        if (step.early === true) early.push(this.#putTasks(action, on, step))
      })
      await Promise.all(early)
      if (known === undefined) return `broke off at ${id}`
      if (step.early !== true) await this.#putTasks(action, known, step)
      if (step.subgraph?.first === false) await this.#putSubgraph(action, thread, step, id)
      parent = id
    }
    return `put ${parent}`
  }

  async putWrites(action: Extract<Action, { do: "put writes" }>): Promise<string> {
    const { thread, which } = action
    const known = this.#self.world.model.roots(thread)[Math.max(0, which - 1)]
    if (known === undefined) return "nothing there"
    await this.#putTask(action, known)
    return known.name
  }

  /** Ids ascend with the time of the process that makes them, as LangGraph's do. */
  #newId(): string {
    const { clock, world } = this.#self
    return `${clock.now().toString(16)}-${String(world.count()).padStart(3, "0")}`
  }

  async #putSubgraph(action: Action, thread: ThreadName, { sets, subgraph }: RunStep, root: string): Promise<void> {
    const namespace = subgraph?.name ?? "memory"
    const values = { ...newValues({ sets }), step: this.#self.world.count() }
    await this.#put(action, { thread, namespace, id: this.#newId(), parent: undefined, values, root })
  }

  /**
   * Resolves once it is there; to nothing if it failed. A call that failed is made once more.
   *
   * @param meanwhile called when the first call has begun
   */
  async #put(action: Action, given: Given, meanwhile?: (known: Known) => void): Promise<Known | undefined> {
    const { world, saver } = this.#self
    const { thread, namespace, id, parent, values, root, delta } = given
    const metadata = {
      source: "loop",
      step: 1,
      parents: root === undefined ? {} : { "": root },
      ...(delta === true ? { counters_since_delta_snapshot: { log: [1, 1] } } : {}),
    } as CheckpointMetadata
    const versions = Object.fromEntries(Object.keys(values).map((channel) => [channel, 1]))
    const checkpoint: Checkpoint = {
      v: 4,
      id,
      ts: "2026-11-30T00:00:00.000Z",
      channel_values: values,
      channel_versions: versions,
      versions_seen: {},
    }
    const parentConfig: Config | undefined =
      parent === undefined ? undefined : configOf({ thread, namespace, id: parent })
    const text = textOf({ checkpoint, metadata, ...(parentConfig && { parentConfig }) })
    const known = new Known({ thread, namespace, id }, text, { needs: delta === true ? parent : undefined, root })
    for (let attempt = 1; attempt <= 2; attempt++) {
      // Perhaps on another day.
      if (attempt === 2) world.pass(10 * 3_600_000)
      const outcome = await this.#self.storing("put", () =>
        this.#self.call({ what: "put", action, thread, puts: known }, async (operation) => {
          if (attempt === 1 || operation.isBesideDeletion) world.model.puts(known, operation)
          const putting = saver.put(parentConfig ?? configOf({ thread, namespace }), checkpoint, metadata, versions)
          if (attempt === 1) meanwhile?.(known)
          await putting
          world.model.wasPut(known)
          return undefined
        }),
      )
      if (outcome === undefined) return known
    }
    known.isUnderWay = false
    return undefined
  }

  async #putTasks(action: Action, known: Known, { tasks = 0 }: RunStep): Promise<void> {
    for (let left = tasks; left > 0; left--) await this.#putTask(action, known)
  }

  async #putTask(action: Action, known: Known): Promise<void> {
    const { world, saver } = this.#self
    const task = `task-${world.count()}`
    known.tasks.set(task, false)
    await this.#self.call({ what: "put writes", action, thread: known.place.thread }, async () => {
      await saver.putWrites(known.config, [["out", task]], task)
      known.tasks.set(task, true)
    })
  }
}

function newValues({ sets }: Pick<RunStep, "sets">): Record<string, string> {
  return Object.fromEntries(Object.entries(sets).map(([channel, value]) => [channel, largeValue(channel, value)]))
}
