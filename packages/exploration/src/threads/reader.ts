import type { CheckpointTuple } from "@langchain/langgraph-checkpoint"
import { Violation } from "../model/violation.js"
import type { Action } from "../scenario/action.js"
import type { ThreadName } from "../scenario/thread-action.js"
import { configOf, type Known } from "./known.js"
import { acknowledgedOf } from "./model.js"
import type { Caller } from "./world.js"

/** Reads threads, and compares every answer with what the model knows. */
export class Reader {
  readonly #self: Caller

  constructor(self: Caller) {
    this.#self = self
  }

  async read(action: Extract<Action, { do: "get tuple" | "list tuples" }>): Promise<string> {
    if (action.do === "list tuples") return this.#list(action)
    const tuple = await this.tuple(action, action.thread, action.which)
    if (tuple === "failed") return tuple
    return tuple === undefined ? "nothing there" : `gives ${tuple.checkpoint.id}`
  }

  /** @param which 0: the latest, by no id; or the so-manieth of those that are there, by its id */
  async tuple(action: Action, thread: ThreadName, which: number): Promise<CheckpointTuple | undefined | "failed"> {
    const { model } = this.#self.world
    const asked = which === 0 ? undefined : model.roots(thread)[which - 1]
    if (which > 0 && asked === undefined) return undefined
    const before = this.#there(thread)
    const tuple = await this.#self.call({ what: "get", action, thread }, () =>
      this.#self.saver.getTuple(asked?.config ?? configOf({ thread, namespace: "" })),
    )
    if (tuple !== undefined && "failed" in tuple) return "failed"
    const stayed = this.#stayed(before).filter((known) => asked === undefined || known === asked)
    const found = tuple && model.known(tuple)
    const missed = stayed.find(({ place }) => found === undefined || place.id > found.place.id)
    if (missed !== undefined) throw new Violation(`${missed.name} is there, and ${found?.name ?? "nothing"} is read`)
    if (tuple !== undefined && found !== undefined) this.#compare(tuple, found, before)
    return tuple
  }

  async #list(action: Extract<Action, { do: "list tuples" }>): Promise<string> {
    const { thread } = action
    const { model } = this.#self.world
    const before = this.#there(thread)
    const listed = await this.#self.call({ what: "list", action, thread }, async () => {
      const tuples: CheckpointTuple[] = []
      for await (const tuple of this.#self.saver.list(configOf({ thread, namespace: "" }))) tuples.push(tuple)
      return tuples
    })
    if ("failed" in listed) return listed.failed
    const found = listed.map((tuple) => model.known(tuple))
    const missed = this.#stayed(before).find((known) => !found.includes(known))
    if (missed !== undefined) throw new Violation(`${missed.name} is there, and is not listed`)
    for (const [index, known] of found.entries()) {
      this.#compare(listed[index] as CheckpointTuple, known, before)
      const earlier = found[index - 1]
      if (earlier !== undefined && earlier.place.id <= known.place.id)
        throw new Violation(`${known.name} is listed behind ${earlier.name}`)
    }
    return `${found.length} checkpoints`
  }

  /** The checkpoints of the graph that are there, each with the tasks whose writes were acknowledged. */
  #there(thread: ThreadName): Map<Known, Set<string>> {
    return new Map(this.#self.world.model.roots(thread).map((known) => [known, acknowledgedOf(known)]))
  }

  /** Those that were there all the time. */
  #stayed(before: ReadonlyMap<Known, unknown>): Known[] {
    return [...before.keys()].filter(
      ({ isThere, landings, mayBreak, brokenSince }) =>
        isThere && landings === 1 && !mayBreak && brokenSince === undefined && !this.#self.world.model.damages.any,
    )
  }

  #compare(tuple: CheckpointTuple, known: Known, before: ReadonlyMap<Known, ReadonlySet<string>>): void {
    const tasks = known.landings > 1 || known.mayBreak ? undefined : before.get(known)
    this.#self.world.model.compare(known, tuple, tasks ?? new Set())
  }
}
