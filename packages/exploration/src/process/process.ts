import { CheckpointError, type CheckpointErrorCode } from "@ckpt/core"
import type { Operation } from "../model/operation.js"
import { Violation } from "../model/violation.js"
import type { Lane } from "../network/request.js"
import { type Action, describeAction, policies } from "../scenario/action.js"
import type { ProcessPlan } from "../scenario/scenario.js"
import { damageLater } from "./damage.js"
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
  /** The store that each operation asks. */
  readonly #asked = new Map<Operation, unknown>()
  /** What is done now must have ended before anything else arrives, for this reason. */
  readonly #mustEnd = new Map<Operation, string>()
  #hasAborted = false
  #hasEnded = false

  constructor(name: string, plan: ProcessPlan, world: World) {
    this.#self = new Self(name, world)
    this.#plan = plan
    this.#writer = new Writer(this.#self)
    this.#reader = new Reader(this.#self)
    this.#reference = new Reference(this.#self)
    this.#lane = this.#self.lane
    this.#lane.doing = this.#doing
  }

  async run(): Promise<void> {
    const { name, world } = this.#self
    const { retain } = this.#plan
    if (retain !== undefined) world.model.begin({ do: "prune", policy: retain }, name, 0)
    await this.#open()
    await this.#performAll()
    this.#hasEnded = true
  }

  /** Resolves once the store is there. */
  async #open(): Promise<void> {
    const { world, clock, told, lane } = this.#self
    const { retain } = this.#plan
    const { backend, session } = world.backend(lane)
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
    this.#self.opened(plain, session)
  }

  async #performAll(): Promise<void> {
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

  /** To be called when nobody goes on before the next request arrives. `isLast`: none will. */
  assertSound(isLast: boolean): void {
    if (!this.#lane.alive) return
    for (const why of this.#mustEnd.values()) throw new Violation(why)
    this.#self.assertQuiet()
    const [operation] = this.#doing
    if (isLast && !this.#hasEnded)
      throw new Violation(`${this.#self.name} waits for ever: ${operation?.action.do ?? "its store"}`)
  }

  /** Carries one action out. Expected failures end here; violations go on to the caller. */
  async #perform(action: Action): Promise<void> {
    const { name, world, epoch } = this.#self
    const { model, log } = world
    const operation = model.begin(action, name, epoch)
    this.#asked.set(operation, this.#self.session)
    this.#setDoing([...this.#doing, operation])
    log?.(`${name} begins ${describeAction(action)}`)
    if (action.abortAt !== undefined) this.#abort(operation, action.abortAt)
    const wasClosed = this.#self.isClosed
    try {
      const said = await this.#act(action, operation)
      if (wasClosed && this.#self.isClosed && asksStore(action) && said !== "nothing" && said !== "did not lead")
        throw new Violation(`the store of ${name} is closed, and ${action.do} succeeds: ${said}`)
      log?.(`${name} ${action.do}: ${said ?? "done"}`)
    } catch (error) {
      if (error instanceof Violation) throw error
      if (error instanceof SourceFailed) {
        log?.(`${name} ${action.do}: its source failed`)
        return
      }
      if (operation.signal?.aborted === true && error === operation.signal.reason) {
        log?.(`${name} ${action.do}: given up`)
        return
      }
      const code = this.#onlyExpected(action.do, error)
      log?.(`${name} ${action.do}: ${code}`)
    } finally {
      this.#mustEnd.delete(operation)
      this.#setDoing(this.#doing.filter((one) => one !== operation))
    }
  }

  /** The operation is given up with the so-manieth move from now. Then it must end at once, whatever the storage does. */
  #abort(operation: Operation, moves: number): void {
    const { name, world } = this.#self
    const controller = new AbortController()
    operation.signal = controller.signal
    const ring = () => {
      if (!this.#doing.includes(operation) || operation.isAnswered === true) return
      const what = `${operation.action.do} of ${name}`
      world.log?.(`${name} gives up ${operation.action.do}`)
      this.#hasAborted = true
      this.#mustEnd.set(operation, `${what} was given up, and waits all the same`)
      this.#setDoing(this.#doing)
      controller.abort(new Error(`${what} is given up`))
    }
    this.#lane.alarms.push({ at: this.#lane.moves + moves, ring })
  }

  /** The store has closed: whatever began before has ended, or asks for more, which is refused. */
  async #close(closing: Operation): Promise<string> {
    await this.#self.close()
    for (const operation of this.#doing) {
      if (this.#asked.get(operation) !== this.#asked.get(closing) || !asksStore(operation.action)) continue
      this.#mustEnd.set(operation, `the store was closed, and ${operation.action.do} goes on`)
    }
    return "closed"
  }

  #setDoing(doing: readonly Operation[]): void {
    this.#doing = doing
    // Retention after a save deletes in the background: its requests belong to none of the operations under way. Nor do the
    // last requests of an operation that was given up.
    this.#lane.doing = this.#plan.retain === undefined && !this.#hasAborted ? doing : []
  }

  #onlyExpected(what: string, error: unknown): CheckpointErrorCode {
    const { name, world } = this.#self
    if (error instanceof CheckpointError) {
      // No schedule has so many writes that a reader is outpaced: it has looked at the same things again and again.
      if (error.message.includes("faster than they could be read"))
        throw new Violation(`${what} of ${name} gave up: ${error.message}`)
      if (error.code === "CKPT_UNKNOWN_OUTCOME" && !what.startsWith("save")) world.assertUnknown(what)
      if (expected.has(error.code)) return error.code
      if (byDamage.has(error.code) && world.model.tampering.hasAny) return error.code
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
      case "damage pointer":
      case "damage manifest":
      case "damage state":
      case "roll manifest back":
      case "lose":
      case "expire":
        return damageLater(this.#self, action)
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
      case "close":
        return this.#close(operation)
      case "open":
        return this.#open().then(() => undefined)
      case "wait":
        world.storage.now += action.ms
        return Promise.resolve(undefined)
      case "jump":
        clock.jump(action.ms)
        return Promise.resolve(undefined)
      case "run":
      case "put writes":
      case "get tuple":
      case "list tuples":
      case "prune thread":
      case "delete thread":
      case "copy thread":
      case "damage object":
        throw new Error(`${action.do} is no action of a store`)
      default:
        return this.#reader.read(action, operation)
    }
  }
}

/** Whether the action is a call of the store. */
function asksStore({ do: what }: Action): boolean {
  return !otherActions.has(what)
}

const otherActions: ReadonlySet<Action["do"]> = new Set<Action["do"]>([
  "damage history",
  "damage pointer",
  "damage manifest",
  "damage state",
  "roll manifest back",
  "lose",
  "expire",
  "reference save",
  "reference update",
  "reference prune",
  "close",
  "open",
  "wait",
  "jump",
])
