import { CheckpointError, type CheckpointErrorCode } from "@ckpt/core"
import type { Operation } from "../model/operation.js"
import { Violation } from "../model/violation.js"
import type { Lane } from "../network/request.js"
import { type Action, describeAction, policies } from "../scenario/action.js"
import type { ProcessPlan } from "../scenario/scenario.js"
import { damageHistory, damageManifest, lose } from "./damage.js"
import { keep } from "./keeping.js"
import { Reader } from "./reader.js"
import { Reference } from "./reference.js"
import { Self, type World } from "./self.js"
import { SourceFailed, Writer } from "./writer.js"

/** The codes with which an operation may fail where nothing is damaged and no call is misused. */
const expected: ReadonlySet<CheckpointErrorCode> = new Set([
  "CKPT_CONFLICT",
  "CKPT_FENCED",
  "CKPT_UNKNOWN_OUTCOME",
  "CKPT_PRUNED",
  "CKPT_NOT_FOUND",
  "CKPT_INVALID",
  "CKPT_IO",
  // By a store whose process gave the lead up meanwhile.
  "CKPT_CLOSED",
])

/**
 * More codes with which an operation may fail once something was damaged. A history that is put back as it was, with its old
 * version, between a refused swap and the next look, passes for a storage that refuses its own versions.
 */
const byDamage: ReadonlySet<CheckpointErrorCode> = new Set(["CKPT_CORRUPT", "CKPT_UNSUPPORTED"])

/** One process: a store over the network, a clock of its own, and a list of things to do. */
export class Process {
  readonly #self: Self
  readonly #plan: ProcessPlan
  readonly #writer: Writer
  readonly #reader: Reader
  readonly #reference: Reference
  readonly #lane: Lane
  #doing: readonly Operation[] = []

  constructor(name: string, plan: ProcessPlan, world: World) {
    const { lane, backend } = world.network.connect(name)
    this.#self = new Self(name, world, backend)
    this.#plan = plan
    this.#writer = new Writer(this.#self)
    this.#reader = new Reader(this.#self)
    this.#reference = new Reference(this.#self)
    this.#lane = lane
    lane.doing = this.#doing
  }

  async run(): Promise<void> {
    const { name, world, clock, backend, told } = this.#self
    const { retain } = this.#plan
    if (retain !== undefined) world.model.begin({ do: "prune", policy: retain }, name, 0)
    const plain = await world.core.openCheckpointStore({
      backend,
      ...(world.layout === undefined ? {} : { layout: world.layout }),
      clock,
      random: () => 0,
      retry: { attempts: world.attempts },
      timeoutMs: Number.POSITIVE_INFINITY,
      ...(retain === undefined ? {} : { retain: policies[retain] }),
      onEvent: (event) => {
        if (event.type === "skipped") told.push(event.id)
        // Whatever the pointer names may be missed.
        if (event.type === "pointer-unreadable") told.push(undefined)
        if (event.type === "retention-failed") this.#onlyExpected("retention", event.error)
      },
    })
    this.#self.opened(plain)
    const underWay: Promise<void>[] = []
    for (const action of this.#plan.actions) {
      if (!this.#lane.alive) return
      const running = this.#perform(action)
      if (action.meanwhile !== true) await running
      else {
        underWay.push(running)
        // A failure is noticed by `Promise.all` below, or the run has failed before.
        running.catch(() => {})
      }
    }
    await Promise.all(underWay)
  }

  /** Carries one action out. Expected failures end here; violations go on to the caller. */
  async #perform(action: Action): Promise<void> {
    const { name, world, epoch } = this.#self
    const { model, log } = world
    const operation = model.begin(action, name, epoch)
    this.#setDoing([...this.#doing, operation])
    log?.(`${name} begins ${describeAction(action)}`)
    try {
      const said = await this.#act(action, operation)
      log?.(`${name} ${action.do}: ${said ?? "done"}`)
    } catch (error) {
      if (error instanceof Violation) throw error
      if (error instanceof SourceFailed) {
        log?.(`${name} ${action.do}: its source failed`)
        return
      }
      const code = this.#onlyExpected(action.do, error)
      log?.(`${name} ${action.do}: ${code}`)
    } finally {
      this.#setDoing(this.#doing.filter((one) => one !== operation))
    }
  }

  #setDoing(doing: readonly Operation[]): void {
    this.#doing = doing
    // Retention after a save deletes in the background: its requests belong to none of the operations under way.
    this.#lane.doing = this.#plan.retain === undefined ? doing : []
  }

  #onlyExpected(what: string, error: unknown): CheckpointErrorCode {
    const { name, world } = this.#self
    if (error instanceof CheckpointError) {
      // No schedule has so many writes that a reader is outpaced: it has looked at the same things again and again.
      if (error.message.includes("faster than they could be read"))
        throw new Violation(`${what} of ${name} gave up: ${error.message}`)
      if (expected.has(error.code)) return error.code
      if (byDamage.has(error.code) && world.model.isDamaged) return error.code
      throw new Violation(`${what} of ${name} ended with ${error.code}: ${error.message}`)
    }
    throw error
  }

  /**
   * Resolves to the words for the trace. Not async itself: one more promise would change the order in which two actions
   * at the same time send their requests, and recorded choices would mean another schedule.
   */
  #act(action: Action, operation: Operation): Promise<string | undefined> {
    const { clock, world } = this.#self
    switch (action.do) {
      case "damage history":
        return damageHistory(this.#self, action)
      case "damage manifest":
        return damageManifest(this.#self, action)
      case "lose":
        return lose(this.#self, action)
      case "reference save":
      case "reference update":
      case "reference prune":
        return this.#reference.act(action.do)
      case "claim":
      case "release":
      case "repair":
      case "save":
      case "save again":
      case "update":
        return this.#writer.write(action, operation)
      case "remove":
      case "prune":
      case "collectOrphans":
      case "pin":
      case "unpin":
      case "pins":
        return keep(this.#self, action, operation)
      case "wait":
        world.storage.now += action.ms
        return Promise.resolve(undefined)
      case "jump":
        clock.jump(action.ms)
        return Promise.resolve(undefined)
      default:
        return this.#reader.read(action, operation)
    }
  }
}
