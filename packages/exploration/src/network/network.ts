import { BackendError, type ObjectBackend } from "@ckpt/core"
import { isErrno } from "../disk/disk.js"
import type { Carry } from "../disk/file-calls.js"
import type { Choices } from "../scenario/choices.js"
import type { Odds } from "../scenario/odds.js"
import { maxBehind, type SimulatedStorage } from "../storage/storage.js"
import { backendOf, type NetworkedStorage, Session, sender } from "./backend.js"
import type { Guide, Wish } from "./guide.js"
import { ProbeNames } from "./probe-names.js"
import { type How, type Lane, type Request, type Watcher, wait } from "./request.js"
import { outcomeOf } from "./trace.js"

const faults = [
  "none",
  "answer lost",
  "lost",
  "delayed",
  "comes twice",
  "crash",
  "slow answer",
  "throttled",
  "in part",
  "in part, answer lost",
] as const
const readFaults = ["none", "fails", "slow body", "crash", "lags", "mixed", "sync fails"] as const

/**
 * Stands between stores and their storage, and owns every request: no request arrives before it is chosen. A request
 * that was delayed or repeated, or that a crashed process had sent, may arrive late.
 */
export class Network {
  readonly #networked: NetworkedStorage
  readonly #choices: Choices
  readonly #watcher: Watcher
  readonly #writeOdds: readonly number[]
  readonly #readOdds: readonly number[]
  readonly #odds: Odds
  readonly #log: ((line: string) => void) | undefined
  readonly #guide: Guide | undefined
  readonly #lanes: Lane[] = []
  readonly #late: Request[] = []
  #current: Lane | undefined
  /** By now a read has failed, or a write has an answer that does not say what it did. */
  isUnclear = false

  constructor(
    storage: SimulatedStorage,
    choices: Choices,
    watcher: Watcher,
    options: Pick<NetworkedStorage, "pageSize" | "probesAreScheduled"> & {
      odds: Odds
      log: ((line: string) => void) | undefined
      guide: Guide | undefined
    },
  ) {
    const { pageSize, probesAreScheduled } = options
    this.#networked = { storage, pageSize, probesAreScheduled, probeNames: new ProbeNames(), late: this.#late }
    this.#choices = choices
    this.#watcher = watcher
    this.#odds = options.odds
    this.#log = options.log
    this.#guide = options.guide
    const { answerLost, lost, delayed, twice, crash, readFails, slowBody } = options.odds
    const { slowAnswer = 0, throttled = 0, inPart = 0, lags = 0, mixed = 0, syncFails = 0 } = options.odds
    this.#writeOdds = [answerLost, lost, delayed, twice, crash, slowAnswer, throttled, inPart, inPart / 2]
    this.#readOdds = [readFails, slowBody, crash, lags, mixed, syncFails]
  }

  /** A process. */
  connect(name: string): Lane {
    const index = this.#lanes.length
    const lane: Lane = { name, index, alive: true, pending: [], doing: undefined, moves: 0, alarms: [] }
    this.#lanes.push(lane)
    return lane
  }

  /** The first moment by which a request that waits must have arrived. */
  get due(): number {
    return Math.min(...this.#lanes.flatMap(({ pending }) => pending.map(({ due }) => due)))
  }

  /** Late requests whose time is over never arrive. */
  forgetOverdue(now: number): void {
    for (let index = this.#late.length - 1; index >= 0; index--)
      if ((this.#late[index] as Request).due < now) this.#late.splice(index, 1)
  }

  /** Requests that may still arrive although nobody waits for them. */
  get late(): readonly Request[] {
    return this.#late
  }

  /** How the file calls of this process are carried out: each when it is chosen. */
  carry(lane: Lane): Carry {
    const send = sender(lane, this.#late, new Session())
    return (what, kind, call) => send(kind, [], what, undefined, call)
  }

  /** The storage as a store of this process sees it. */
  backend(lane: Lane): { backend: ObjectBackend; session: Session } {
    const session = new Session()
    return { backend: backendOf(lane, this.#networked, session), session }
  }

  /** One request arrives, or is lost. Returns false if no request waits; late ones do not count. */
  step(): boolean {
    const lanes: Lane[] = []
    for (const lane of this.#lanes) if (lane.pending.length > 0) lanes.push(lane)
    if (lanes.length === 0) return false
    // 0 is the lane that ran last, or the next lane after it: a process goes on until a choice makes it stand still.
    const start = this.#current?.index ?? 0
    if (lanes.length > 1) lanes.sort((a, b) => this.#distance(start, a) - this.#distance(start, b))
    const wish = this.#guide?.next(lanes)
    const chosen = this.#choices.below(lanes.length + this.#late.length, this.#odds.stays, wish?.lane)
    const lane = lanes[chosen]
    if (lane === undefined) {
      const [late] = this.#late.splice(chosen - lanes.length, 1)
      if (late !== undefined) this.#applyLate(late)
      return true
    }
    this.#current = lane
    const index = this.#choices.below(lane.pending.length, 0.5, wish?.request)
    const [request] = lane.pending.splice(index, 1)
    if (request !== undefined) this.#deliver(lane, request, wish)
    return true
  }

  #distance(start: number, lane: Lane): number {
    const count = this.#lanes.length
    return (lane.index - start + count) % count
  }

  /** The oldest late request arrives now. Returns false if there is none. */
  deliverLate(): boolean {
    const late = this.#late.shift()
    if (late === undefined) return false
    this.#applyLate(late)
    return true
  }

  #applyLate(request: Request): void {
    this.#watcher.beforeApply(request, true)
    let outcome = "ok"
    try {
      request.apply({})
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      outcome = error.message
    }
    this.#log?.(`late: ${request.what()} → ${outcome}`)
  }

  #deliver(lane: Lane, request: Request, wish: Wish | undefined): void {
    if (!request.write) {
      this.#deliverRead(lane, request, wish?.lags)
      return
    }
    const fault = faults[this.#choices.odds(this.#writeOdds)]
    this.isUnclear ||= fault === "answer lost" || fault === "lost" || fault === "delayed" || fault === "comes twice"
    if (fault === "crash") {
      lane.pending.unshift(request)
      this.#crash(lane)
      return
    }
    if (fault === "slow answer") {
      this.#apply(this.#answeredLater(lane, request), ", its answer later", false)
      return
    }
    if (fault === "lost" || fault === "delayed") {
      this.#log?.(`${request.what()} → no answer${fault === "lost" ? ", lost" : ", delayed"}`)
      if (fault === "delayed") this.#late.push(request)
      request.reject(noAnswer())
      return
    }
    if (fault === "throttled") {
      this.#log?.(`${request.what()} → too soon`)
      request.reject(new BackendError("transient", "too soon", { retryAfterMs: 1_000 }))
      return
    }
    if (request.kind === "delete" && (fault === "in part" || fault === "in part, answer lost")) {
      const spares = () => this.#choices.below(2, 0.5) === 1
      this.#apply(request, fault === "in part" ? "" : ", answer lost", fault !== "in part", { spares })
      return
    }
    if (fault === "comes twice") this.#late.push(request)
    const note = fault === "answer lost" ? ", answer lost" : fault === "comes twice" ? ", and comes again" : ""
    this.#apply(request, note, fault === "answer lost")
  }

  /** @param lagging so many changes ago is the time that the page must show */
  #deliverRead(lane: Lane, request: Request, lagging: number | undefined): void {
    const fault = readFaults[this.#choices.odds(this.#readOdds, lagging && readFaults.indexOf("lags"))]
    if (fault === "crash") {
      this.#crash(lane)
      return
    }
    if (fault === "fails") {
      this.isUnclear = true
      this.#log?.(`${request.what()} → fails`)
      request.reject(new BackendError("transient", "try again"))
      return
    }
    if (fault === "lags" && request.kind === "page") {
      const behind = 1 + this.#choices.below(maxBehind, 0.3, lagging && lagging - 1)
      this.#apply(request, `, as of ${behind} changes ago`, false, { behind })
    } else if (fault === "sync fails" && request.kind === "sync") {
      this.isUnclear = true
      this.#apply(request, "", false, { fails: true })
    } else if (fault === "mixed" && request.kind === "page") {
      this.#apply(request, ", mixed", false, { mixes: (moments) => this.#choices.below(moments, 0.4) })
    } else if (fault === "slow body" && request.kind === "get") {
      this.#apply(request, ", its body later", false, { slow: true })
    } else this.#apply(request, "", false)
  }

  #apply(request: Request, note: string, answerLost: boolean, how: How = {}): void {
    this.#watcher.beforeApply(request, false)
    let value: unknown
    try {
      value = request.apply(how)
    } catch (error) {
      if (!(error instanceof BackendError || isErrno(error))) throw error
      this.#log?.(`${request.what()} → ${error.message}${note}`)
      request.reject(answerLost ? noAnswer() : error)
      return
    }
    this.#log?.(`${request.what()} → ${outcomeOf(request, value)}${note}`)
    if (answerLost) request.reject(noAnswer())
    else request.resolve(value)
  }

  /** The same request. Its answer must be chosen to arrive. */
  #answeredLater(lane: Lane, request: Request): Request {
    const later = (answer: () => void) => {
      const what = () => `${request.what()}: its answer`
      const read = { what, write: false, firstPage: false, kind: "body", apply: () => undefined } as const
      const reject = () => request.reject(noAnswer())
      wait(lane, { ...request, ...read, resolve: answer, reject }, this.#late)
    }
    return {
      ...request,
      resolve: (value) => later(() => request.resolve(value)),
      reject: (error) => later(() => request.reject(error)),
    }
  }

  /** The process is gone. The writes that it had sent may still arrive. */
  #crash(lane: Lane): void {
    lane.alive = false
    this.#log?.(`${lane.name} CRASHES`)
    for (const request of lane.pending) if (request.write) this.#late.push(request)
    lane.pending = []
  }
}

function noAnswer(): BackendError {
  return new BackendError("ambiguous", "no answer")
}
