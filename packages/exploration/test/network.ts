import { BackendError, type ObjectBackend, type ObjectContent, type ObjectMeta, type PutOptions } from "@ckpt/core"
import type { Random } from "./random.js"

interface InFlight {
  readonly what: string
  readonly write: boolean
  /** What the storage does when the request arrives. */
  apply(): Promise<unknown>
  answer(result: Promise<unknown>): void
}

export interface Odds {
  /** Of a write: its answer is lost, after it took effect or before. */
  readonly lost: number
  /** Of a lost write that took no effect yet: it arrives later. */
  readonly late: number
  /** Of a write: it arrives once more later. */
  readonly twice: number
}

/**
 * Stands between stores and their storage, and owns every request: none arrives before it is chosen. What was lost may
 * still arrive later, as a delayed request does.
 */
export class Network {
  readonly trace: string[] = []
  readonly #random: Random
  readonly #odds: Odds
  readonly #inFlight: InFlight[] = []
  readonly #late: { what: string; apply: () => Promise<unknown> }[] = []
  #arrivals = 0

  constructor(random: Random, odds: Odds) {
    this.#random = random
    this.#odds = odds
  }

  /** The storage as one process sees it. */
  connect(process: string, storage: ObjectBackend): ObjectBackend {
    const send = <T>(what: string, write: boolean, apply: () => Promise<T>): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        this.#arrivals++
        const answer = (result: Promise<unknown>) => result.then((value) => resolve(value as T), reject)
        this.#inFlight.push({ what: `${process}: ${what}`, write, apply, answer })
      })
    return {
      name: "network",
      capabilities: storage.capabilities,
      async put(key: string, body, options: PutOptions = {}): Promise<ObjectMeta> {
        const chunks: Uint8Array[] = []
        for await (const chunk of body) chunks.push(chunk)
        const { when } = options
        const how = when === undefined ? "" : when === "absent" ? " if absent" : ` if ${when.version}`
        return send(`put ${key}${how}`, true, () => storage.put(key, chunks, { when }))
      },
      get: (key, options) => send<ObjectContent | undefined>(`get ${key}`, false, () => storage.get(key, options)),
      head: (key) => send(`head ${key}`, false, () => storage.head(key)),
      async *list(prefix: string) {
        yield* await send(`list ${prefix}`, false, async () => {
          const all: ObjectMeta[] = []
          for await (const meta of storage.list(prefix)) all.push(meta)
          return all
        })
      },
      delete: (keys) => send(`delete ${keys.join(" ")}`, true, () => storage.delete(keys)),
      now: () => send("now", false, () => storage.now()),
      async [Symbol.asyncDispose]() {},
    }
  }

  /** Resolves when every process waits for the network, or for nothing. */
  async quiet(): Promise<void> {
    for (let seen = -1; seen !== this.#arrivals; ) {
      seen = this.#arrivals
      // Two turns: whatever follows from an answer is made of promises alone.
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** One request arrives, or is lost. False: there is none. */
  async step(): Promise<boolean> {
    const choices = this.#inFlight.length + this.#late.length
    if (choices === 0) return false
    const index = this.#random.below(choices)
    if (index >= this.#inFlight.length) {
      const [late] = this.#late.splice(index - this.#inFlight.length, 1)
      if (late === undefined) return false
      this.trace.push(`late    ${late.what}`)
      await late.apply().catch(() => {})
      return true
    }
    const [request] = this.#inFlight.splice(index, 1)
    if (request === undefined) return false
    await this.#deliver(request)
    return true
  }

  async #deliver({ what, write, apply, answer }: InFlight): Promise<void> {
    const random = this.#random
    if (write && random.chance(this.#odds.lost)) {
      const lost = Promise.reject(new BackendError("ambiguous", "no answer"))
      if (random.chance(0.5)) {
        this.trace.push(`applied, answer lost: ${what}`)
        await apply().catch(() => {})
      } else {
        const comesLate = random.chance(this.#odds.late)
        this.trace.push(`${comesLate ? "delayed" : "lost"}: ${what}`)
        if (comesLate) this.#late.push({ what, apply })
      }
      return answer(lost)
    }
    if (write && random.chance(this.#odds.twice)) this.#late.push({ what: `again: ${what}`, apply })
    const result = apply()
    const outcome = await result.then(
      (value) => (value === undefined ? "nothing there" : "ok"),
      (error: Error) => error.message,
    )
    this.trace.push(`${what} → ${outcome}`)
    answer(result)
  }
}
