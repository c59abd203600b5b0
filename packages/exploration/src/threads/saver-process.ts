import { CheckpointError, type CheckpointErrorCode, type ObjectBackend } from "@ckpt/core"
import type { CkptSaver, CkptSaverEvent } from "@ckpt/langgraph"
import type { Actor } from "../cast.js"
import { Violation } from "../model/violation.js"
import type { Lane, Request } from "../network/request.js"
import { ProcessClock } from "../process/clock.js"
import { type Action, describeAction } from "../scenario/action.js"
import { day } from "../scenario/draw-threads.js"
import type { ThreadName } from "../scenario/thread-action.js"
import { isProbe } from "../storage/keys.js"
import { Agent } from "./agent.js"
import type { Known, Operation } from "./known.js"
import { acknowledgedOf } from "./model.js"
import { Reader } from "./reader.js"
import { openSaver } from "./saver.js"
import type { Call, Caller, World } from "./world.js"

const expected: ReadonlySet<CheckpointErrorCode> = new Set(["CKPT_UNKNOWN_OUTCOME", "CKPT_IO"])

/** What a put or a copy stores now. */
interface Storing {
  readonly what: "put" | "copy"
  readonly begun: number
  /** The saver has stored or read a value before. */
  readonly knows: boolean
  /** Since when the days of its values are fixed, as far as a request shows it. */
  fixed: number
}

/** A saver with a clock of its own, and a list of things to do. */
export class SaverProcess implements Actor, Caller {
  readonly name: string
  readonly world: World
  readonly clock: ProcessClock
  readonly #lane: Lane
  readonly #actions: readonly Action[]
  readonly #backend: ObjectBackend
  readonly #agent: Agent
  readonly #reader: Reader
  #saver: CkptSaver | undefined
  #doing: readonly Operation[] = []
  #storing: Storing | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #hasEnded = false
  #knows = false
  readonly #told: Extract<CkptSaverEvent, { type: "damaged" }>[] = []

  /** @param backend default: the storage over the network */
  constructor(name: string, actions: readonly Action[], world: World, backend?: ObjectBackend) {
    this.name = name
    this.world = world
    this.clock = new ProcessClock(() => world.storage.now)
    this.#actions = actions
    this.#lane = world.network.connect(name)
    this.#lane.doing = this.#doing
    this.#lane.due = (kind, key) => this.#due(kind, key)
    this.#backend = this.#watched(backend ?? world.network.backend(this.#lane).backend)
    this.#agent = new Agent(this)
    this.#reader = new Reader(this)
  }

  get saver(): CkptSaver {
    const { Saver, attempts } = this.world
    this.#saver ??= openSaver(this.#backend, this.clock, {
      Saver,
      attempts,
      onEvent: (event) => {
        if (event.type === "damaged") this.#told.push(event)
      },
    })
    return this.#saver
  }

  async run(): Promise<void> {
    const underWay: Promise<void>[] = []
    for (const action of this.#actions) {
      if (!this.#lane.alive) return
      // Its requests alone tell when the day of a copied value is fixed.
      if (action.do === "copy thread") await Promise.all(underWay)
      const running = this.#perform(action)
      if (action.meanwhile !== true || action.do === "copy thread") await running
      else {
        underWay.push(running)
        running.catch(() => {})
      }
    }
    await Promise.all(underWay)
    this.#hasEnded = true
  }

  assertSound(isLast: boolean): void {
    const { model } = this.world
    for (const { threadId, checkpointId } of this.#told.splice(0))
      if (!model.damages.any && !model.mayBreak({ thread: threadId as ThreadName }))
        throw new Violation(`${checkpointId} of ${threadId} is said to be damaged, and nothing is`)
    if (!this.#lane.alive) model.crashed(this.name)
    else if (isLast && !this.#hasEnded) throw new Violation(`${this.name} waits for ever`)
  }

  async #perform(action: Action): Promise<void> {
    const { log } = this.world
    log?.(`${this.name} begins ${describeAction(action)}`)
    const said = await this.#act(action)
    log?.(`${this.name} ${action.do}: ${said ?? "done"}`)
  }

  async call<T>(
    operation: Call,
    task: (operation: Operation) => Promise<T>,
  ): Promise<T | { readonly failed: CheckpointErrorCode }> {
    const { model, log } = this.world
    // A damaged value is no obstacle to a put.
    const mayBeDamaged = ({ puts, thread, from }: typeof operation) =>
      puts === undefined ? model.damages.any || model.mayBreak({ thread, from }) : model.damages.has(puts.key)
    const begun = model.begin({ ...operation, process: this.name })
    this.#setDoing([...this.#doing, begun])
    try {
      return await task(begun)
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error
      const isDamage = error.code === "CKPT_CORRUPT" && mayBeDamaged(operation)
      if (!isDamage && !expected.has(error.code))
        throw new Violation(`${operation.what} of ${this.name} ended with ${error.code}: ${error.message}`)
      log?.(`${this.name} ${operation.what}: ${error.code}`)
      return { failed: error.code }
    } finally {
      model.end(begun)
      this.#setDoing(this.#doing.filter((one) => one !== begun))
    }
  }

  storing<T>(what: Storing["what"], task: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      const { now } = this.world.storage
      this.#storing = { what, begun: now, fixed: now, knows: this.#knows }
      try {
        return await task()
      } finally {
        this.#storing = undefined
      }
    })
    this.#turn = turn.catch(() => {})
    return turn
  }

  #setDoing(doing: readonly Operation[]): void {
    this.#doing = doing
    this.#lane.doing = doing
  }

  /**
   * No request is under way for a day; no put for three; and none from the moment on which fixes the days of its values until its
   * checkpoint is there for a day. So much a saver may rely on.
   */
  #due(kind: Request["kind"], key: string): number {
    const most = this.world.storage.now + day - 1
    const storing = this.#storing
    if (storing === undefined) return most
    const { what, begun, fixed, knows } = storing
    // A copy also reads, after its values are stored.
    if (what === "copy") return Math.min(most, fixed + day - 1)
    if (kind !== "put" && kind !== "head" && !isProbe(key)) return most
    // A saver that knows no value yet is asked to store its values, and checks the storage before that.
    const storesValues = key.startsWith("v/") || (isProbe(key) && !knows)
    return Math.min(most, begun + 3 * day - 1, storesValues ? most : fixed + day - 1)
  }

  #watched(backend: ObjectBackend): ObjectBackend {
    const fixes = (what: Storing["what"]) => {
      this.#knows ||= what === "put"
      if (this.#storing?.what === what) this.#storing.fixed = this.world.storage.now
    }
    return {
      ...backend,
      put: async (key, ...rest) => {
        try {
          return await backend.put(key, ...rest)
        } finally {
          if (key.startsWith("v/") && !key.includes("/now-")) fixes("put")
        }
      },
      head: async (key, ...rest) => {
        try {
          return await backend.head(key, ...rest)
        } finally {
          if (key.startsWith("v/")) fixes("put")
        }
      },
      get: async (key, ...rest) => {
        try {
          return await backend.get(key, ...rest)
        } finally {
          if (key.endsWith(".c")) fixes("copy")
          if (key.startsWith("v/")) this.#knows = true
        }
      },
    }
  }

  async #act(action: Action): Promise<string | undefined> {
    const { world } = this
    switch (action.do) {
      case "run":
        return this.#agent.run(action)
      case "put writes":
        return this.#agent.putWrites(action)
      case "get tuple":
      case "list tuples":
        return this.#reader.read(action)
      case "prune thread":
        return this.#prune(action)
      case "delete thread": {
        const there = world.model.of(action.thread).filter(({ isThere }) => isThere)
        const operation = { what: "delete", action, thread: action.thread, there } as const
        await this.call(operation, async (begun) => {
          await this.saver.deleteThread(action.thread)
          world.model.wasDeleted(begun)
        })
        return undefined
      }
      case "copy thread":
        return this.#copy(action)
      case "damage object":
        return world.damage(action)
      case "open":
        this.#saver = undefined
        return undefined
      case "wait":
        world.pass(action.ms)
        return undefined
      case "jump":
        this.clock.jump(action.ms)
        return undefined
      default:
        throw new Error(`${action.do} is no action of a saver`)
    }
  }

  async #prune(action: Extract<Action, { do: "prune thread" }>): Promise<string> {
    const { thread, rules } = action
    const { model } = this.world
    const all = model.of(thread).filter(({ place, landings }) => place.namespace === "" && landings > 0)
    const ids = all.map(({ place }) => place.id).sort((a, b) => (a > b ? -1 : 1))
    const keep = (rules.keeps ?? []).map((which) => ids[which] ?? "none")
    const { last, withinMs } = rules
    const operation = { what: "prune", action, thread, rules: { ...rules, keep } } as const
    const pruned = await this.call(operation, () => this.saver.pruneThread(thread, { last, withinMs, keep }))
    return "failed" in pruned ? pruned.failed : `${pruned.removed.length} checkpoints and ${pruned.pieces} values`
  }

  async #copy(action: Extract<Action, { do: "copy thread" }>): Promise<string> {
    const { from, to } = action
    const { model } = this.world
    return this.storing("copy", async () => {
      const there = model.of(from).filter(({ isThere }) => isThere)
      const tasksOf = new Map<Known, ReadonlySet<string>>(there.map((known) => [known, acknowledgedOf(known)]))
      const operation = { what: "copy", action, thread: to, from, there, tasksOf } as const
      const copied = await this.call(operation, async (begun) => {
        model.copies(begun)
        const count = await this.saver.copyThread(from, to)
        model.wasCopied(begun)
        return count
      })
      return typeof copied === "number" ? `${copied} checkpoints` : copied.failed
    })
  }
}
