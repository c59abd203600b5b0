import {
  BackendError,
  type GetOptions,
  type ObjectBackend,
  type ObjectContent,
  type ObjectMeta,
  type PutOptions,
} from "@ckpt/core"
import type { Choices } from "../scenario/choices.js"
import { capabilities, contentOf, rangeOf, wholeBody } from "../storage/direct.js"
import type { SimulatedStorage, StoredObject } from "../storage/storage.js"

/** Of one process: its requests that wait to be chosen. */
export interface Lane {
  readonly name: string
  readonly index: number
  alive: boolean
  pending: Request[]
  /** What it does now, for whoever judges its requests. */
  doing: unknown
}

export interface Request {
  readonly what: () => string
  readonly write: boolean
  /** The issuing lane's `doing` when it was sent. */
  readonly doing: unknown
  readonly keys: readonly string[]
  readonly kind: "put" | "get" | "head" | "page" | "delete" | "now" | "body"
  /** It begins a listing. */
  readonly firstPage: boolean
  /** What the storage does when the request arrives; throws what it refuses. */
  apply(slow: boolean): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
  readonly signal: AbortSignal | undefined
}

/** How often what goes wrong, for each request. */
export interface Odds {
  /** The process that ran goes on running. */
  readonly stays: number
  /** A write took effect, and its answer is lost. */
  readonly answerLost: number
  /** A write is lost, and its sender is told nothing. */
  readonly lost: number
  /** A write seems lost, and arrives later. */
  readonly delayed: number
  /** A write arrives once more later. */
  readonly twice: number
  /** The process crashes; what it had under way may arrive later. */
  readonly crash: number
  /** A read fails, and may be tried again. */
  readonly readFails: number
  /** The body of a read comes in pieces, after its opening. */
  readonly slowBody: number
}

/** Told of requests as they take effect. */
export interface Watcher {
  beforeApply(request: Request, late: boolean): void
  afterApply(request: Request): void
}

const probe = /^(.*\.ckpt-probe-)([0-9a-f]{16})$/
const faults = ["none", "answer lost", "lost", "delayed", "comes twice", "crash"] as const
const readFaults = ["none", "fails", "slow body", "crash"] as const

/**
 * Stands between stores and their storage, and owns every request: none arrives before it is chosen. What was lost or
 * left by a crash may still arrive later, as a delayed request does.
 */
export class Network {
  readonly #storage: SimulatedStorage
  readonly #choices: Choices
  readonly #watcher: Watcher
  readonly #writeOdds: readonly number[]
  readonly #readOdds: readonly number[]
  readonly #odds: Odds
  readonly #pageSize: number
  readonly #probesAreScheduled: boolean
  readonly #log: ((line: string) => void) | undefined
  readonly #lanes: Lane[] = []
  readonly #late: Request[] = []
  readonly #probeNames = new Map<string, string>()
  #current: Lane | undefined

  constructor(
    storage: SimulatedStorage,
    choices: Choices,
    watcher: Watcher,
    options: {
      odds: Odds
      /** Objects that one page of a listing holds. */
      pageSize: number
      /** Otherwise they are answered at once: nobody else knows the key of a probe, so nothing can come in between. */
      probesAreScheduled: boolean
      log: ((line: string) => void) | undefined
    },
  ) {
    this.#storage = storage
    this.#choices = choices
    this.#watcher = watcher
    this.#odds = options.odds
    this.#pageSize = options.pageSize
    this.#probesAreScheduled = options.probesAreScheduled
    this.#log = options.log
    const { answerLost, lost, delayed, twice, crash, readFails, slowBody } = options.odds
    this.#writeOdds = [answerLost, lost, delayed, twice, crash]
    this.#readOdds = [readFails, slowBody, crash]
  }

  /** A process and the storage as it sees it. */
  connect(name: string): { lane: Lane; backend: ObjectBackend } {
    const lane: Lane = { name, index: this.#lanes.length, alive: true, pending: [], doing: undefined }
    this.#lanes.push(lane)
    return { lane, backend: this.#backend(lane) }
  }

  #backend(lane: Lane): ObjectBackend {
    const storage = this.#storage
    const atOnceProbe = (key: string) => !this.#probesAreScheduled && key.includes(".ckpt-probe-")
    const send = <T>(
      kind: Request["kind"],
      keys: readonly string[],
      detail: string,
      signal: AbortSignal | undefined,
      apply: (slow: boolean) => T,
    ): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        lane.pending.push({
          what: () => `${lane.name}  ${kind} ${keys.map(short).join(" ")}${detail}`,
          kind,
          keys,
          write: kind === "put" || kind === "delete",
          firstPage: kind === "page" && detail === "",
          doing: lane.doing,
          apply,
          resolve: resolve as (value: unknown) => void,
          reject,
          signal,
        })
      })
    const page = async (prefix: string, after: string, signal: AbortSignal | undefined): Promise<ObjectMeta[]> =>
      send("page", [prefix], after === "" ? "" : ` after ${short(after)}`, signal, () =>
        storage.page(prefix, after, this.#pageSize),
      )
    const size = this.#pageSize
    return {
      name: "simulated",
      capabilities,
      put: async (given, body, options: PutOptions = {}) => {
        const key = this.#named(given)
        const whole = wholeBody(body)
        const bytes = whole instanceof Uint8Array ? whole : await whole
        const { when, signal } = options
        if (atOnceProbe(key)) return storage.put(key, bytes, when)
        const how = when === undefined ? "" : when === "absent" ? " if absent" : " if unchanged"
        return send("put", [key], how, signal, () => storage.put(key, bytes, when))
      },
      get: (key, options: GetOptions = {}) =>
        send("get", [key], "", options.signal, (slow): ObjectContent | undefined => {
          const stored = storage.get(key, options.ifVersion)
          if (stored === undefined) return undefined
          return slow ? this.#slowly(send, stored, options) : contentOf(stored, options.range)
        }),
      head: (key, options) => send("head", [key], "", options?.signal, () => storage.get(key)?.meta),
      async *list(prefix, options) {
        for (let after = ""; ; ) {
          const found = await page(prefix, after, options?.signal)
          yield* found
          const last = found.at(-1)
          // The last page of a real listing says so; here it is the one that is not full.
          if (last === undefined || found.length < size) return
          after = last.key
        }
      },
      delete: async (given, options) => {
        const keys = given.map((key) => this.#named(key))
        if (keys.every(atOnceProbe)) storage.delete(keys)
        else await send("delete", keys, "", options?.signal, () => storage.delete(keys))
        return []
      },
      now: (options) => send("now", [], "", options?.signal, () => new Date(storage.now)),
      async [Symbol.asyncDispose]() {},
    }
  }

  /** The random name of a probe as a number, so that nothing but the choices decides what a schedule does. */
  #named(key: string): string {
    const match = probe.exec(key)
    if (match === null) return key
    const known = this.#probeNames.get(key)
    if (known !== undefined) return known
    const name = `${match[1]}${String(this.#probeNames.size + 1).padStart(4, "0")}`
    this.#probeNames.set(key, name)
    return name
  }

  /** The bytes as they were when the read was opened, in two pieces that each must be chosen to arrive. */
  #slowly(send: SendBody, stored: StoredObject, options: GetOptions): ObjectContent {
    const bytes = rangeOf(stored, options.range)
    const middle = Math.ceil(bytes.length / 2)
    const pieces = [bytes.subarray(0, middle), bytes.subarray(middle)].filter((piece) => piece.length > 0)
    const { key } = stored.meta
    async function* body() {
      for (const [index, piece] of pieces.entries()) {
        yield await send("body", [key], ` piece ${index + 1} of ${pieces.length}`, options.signal, () => piece)
      }
    }
    return { meta: stored.meta, body: body() }
  }

  /** One request arrives, or is lost. False: there is none that could, but for late ones. */
  step(): boolean {
    const lanes: Lane[] = []
    for (const lane of this.#lanes) {
      if (lane.pending.length > 1 || lane.pending[0]?.signal?.aborted) {
        // A read that was given up changes nothing, whether it arrives or not.
        lane.pending = lane.pending.filter((request) => request.write || request.signal?.aborted !== true)
      }
      if (lane.pending.length > 0) lanes.push(lane)
    }
    if (lanes.length === 0) return false
    // 0 is the lane that ran last, or the next one after it: a process goes on until it is told to stand still.
    const start = this.#current?.index ?? 0
    if (lanes.length > 1) lanes.sort((a, b) => this.#distance(start, a) - this.#distance(start, b))
    const chosen = this.#choices.below(lanes.length + this.#late.length, this.#odds.stays)
    const lane = lanes[chosen]
    if (lane === undefined) {
      const [late] = this.#late.splice(chosen - lanes.length, 1)
      if (late !== undefined) this.#applyLate(late)
      return true
    }
    this.#current = lane
    const index = this.#choices.below(lane.pending.length, 0.5)
    const [request] = lane.pending.splice(index, 1)
    if (request !== undefined) this.#deliver(lane, request)
    return true
  }

  #distance(start: number, lane: Lane): number {
    const count = this.#lanes.length
    return (lane.index - start + count) % count
  }

  /** What was delayed, repeated or left behind arrives now, oldest first. */
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
      request.apply(false)
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      outcome = error.message
    }
    this.#log?.(`late: ${request.what()} → ${outcome}`)
    this.#watcher.afterApply(request)
  }

  #deliver(lane: Lane, request: Request): void {
    if (!request.write) {
      this.#deliverRead(lane, request)
      return
    }
    const fault = faults[this.#choices.odds(this.#writeOdds)]
    if (fault === "crash") {
      lane.pending.unshift(request)
      this.#crash(lane)
      return
    }
    if (fault === "lost" || fault === "delayed") {
      this.#log?.(`${request.what()} → no answer${fault === "lost" ? ", lost" : ", delayed"}`)
      if (fault === "delayed") this.#late.push(request)
      request.reject(noAnswer())
      return
    }
    if (fault === "comes twice") this.#late.push(request)
    const note = fault === "answer lost" ? ", answer lost" : fault === "comes twice" ? ", and comes again" : ""
    this.#apply(request, note, fault === "answer lost")
  }

  #deliverRead(lane: Lane, request: Request): void {
    const fault = readFaults[this.#choices.odds(this.#readOdds)]
    if (fault === "crash") {
      this.#crash(lane)
      return
    }
    if (fault === "fails") {
      this.#log?.(`${request.what()} → fails`)
      request.reject(new BackendError("transient", "try again"))
      return
    }
    this.#apply(request, fault === "slow body" && request.kind === "get" ? ", its body later" : "", false, fault)
  }

  #apply(request: Request, note: string, answerLost: boolean, fault?: string): void {
    this.#watcher.beforeApply(request, false)
    let value: unknown
    try {
      value = request.apply(fault === "slow body")
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      this.#log?.(`${request.what()} → ${error.message}${note}`)
      request.reject(answerLost ? noAnswer() : error)
      return
    }
    this.#log?.(`${request.what()} → ${outcomeOf(request, value)}${note}`)
    this.#watcher.afterApply(request)
    if (answerLost) request.reject(noAnswer())
    else request.resolve(value)
  }

  /** The process is gone. What it had sent may still arrive. */
  #crash(lane: Lane): void {
    lane.alive = false
    this.#log?.(`${lane.name} CRASHES`)
    for (const request of lane.pending) if (request.write) this.#late.push(request)
    lane.pending = []
  }
}

type SendBody = <T>(
  kind: "body",
  keys: readonly string[],
  detail: string,
  signal: AbortSignal | undefined,
  apply: () => T,
) => Promise<T>

function noAnswer(): BackendError {
  return new BackendError("ambiguous", "no answer")
}

function short(key: string): string {
  return key
    .replace(/^manifests\/manifest-0*(\d+)\.json$/, "manifest-$1")
    .replace(/^checkpoints\/state-0*(\d+)\.bin$/, "state-$1")
    .replace("manifests/latest.json", "latest")
    .replace(/^manifests\/claims\/0*(\d+)\.0*(\d+)\.json$/, "claim-$1-from-$2")
    .replace(/^manifests\/pins\/(\w+)\.0*(\d+)\.json$/, "pin-$1-$2")
}

function outcomeOf({ kind }: Request, value: unknown): string {
  if (value === undefined) return kind === "delete" ? "ok" : "nothing there"
  if (kind === "page") return (value as ObjectMeta[]).map(({ key }) => short(key)).join(" ") || "nothing"
  if (kind !== "get") return "ok"
  return "ok"
}
