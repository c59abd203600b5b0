import { setImmediate as turn } from "node:timers/promises"
import { CheckpointError, type CheckpointSummary, type ObjectBackend } from "@ckpt/core"
import { ask } from "../stores/ask.js"
import type { Door } from "./door.js"
import { type Failure, failureOf } from "./failure.js"
import { rest } from "./rest.js"
import { stallMs, unlessStalled } from "./stall.js"
import { type Seen, seen } from "./status.js"

/** What was there at one moment. Never changed: the next look makes a new listing. */
export interface Listing {
  /** Goes up with each look that saw something else, so that a browser can ask for what is newer than what it has. */
  readonly number: number
  /** When the look ended: milliseconds since 1970. */
  readonly at: number
  readonly tookMs: number
  /** Milliseconds that the storage's clock is ahead of this machine's. */
  readonly clockAhead: number
  /** Ascending by id. */
  readonly checkpoints: readonly Seen[]
  readonly byId: ReadonlyMap<number, Seen>
}

/** What is known of a store, and what goes on. */
export interface Look {
  /** The last listing that was complete. Absent until there is one. */
  readonly listing: Listing | undefined
  /** A look that is under way: since when, and how many checkpoints it has read. */
  readonly looking: { readonly since: number; readonly read: number } | undefined
  /** Why the last look failed. Absent if it did not. */
  readonly failure: Failure | undefined
}

/** A page that is open looks again by itself: after so long, and never so often that looking takes more than a tenth of the time. */
const pollMs = 2_000
const lookEveryMs = 15_000
const share = 10
/** A look works so long at a stretch. */
const turnMs = 10

/**
 * Looks at one store, and keeps what it saw. One look at a time, whoever asks; nobody waits for a look longer than they want. While
 * somebody watches, it asks often whether ids came or went, which is one cheap request, and looks again if so.
 */
export class Looker {
  readonly #door: Door
  readonly #onListing: (listing: Listing) => void
  readonly #listeners = new Set<() => void>()
  readonly #closing = new AbortController()
  #listing: Listing | undefined
  #failure: Failure | undefined
  #under: { since: number; read: number; done: Promise<void> } | undefined
  #polling: Promise<void> | undefined
  #endedAt = 0

  /** @param onListing called after each look that succeeded */
  constructor(door: Door, onListing: (listing: Listing) => void) {
    this.#door = door
    this.#onListing = onListing
  }

  /** What is known now. */
  get now(): Look {
    return { listing: this.#listing, looking: this.#under, failure: this.#failure }
  }

  /** Looks, or joins the look that is under way. Never rejects: see {@link Look.failure}. */
  look(): Promise<void> {
    if (this.#under === undefined) {
      const under = { since: Date.now(), read: 0, done: Promise.resolve() }
      this.#under = under
      under.done = this.#run(under)
    }
    return this.#under.done
  }

  /** What is known, not older than `maxAgeMs` if a look of at most `waitMs` can bring that about. */
  async recent(maxAgeMs: number, waitMs: number): Promise<Look> {
    const age = Date.now() - this.#endedAt
    // Without a listing any look is welcome; one that failed is not made again at once.
    const isDue = this.#listing === undefined ? age >= pollMs : age >= Math.max(maxAgeMs, this.#rest)
    if (this.#under === undefined && isDue) void this.look()
    if (this.#under !== undefined) {
      const late = new AbortController()
      const timer = setTimeout(() => late.abort(), waitMs)
      const waited = new Promise<void>((resolve) => late.signal.addEventListener("abort", () => resolve()))
      await Promise.race([this.#under.done, waited])
      clearTimeout(timer)
    }
    return this.now
  }

  /** Calls the listener after each look, and looks again and again, until it is let go. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    this.#keepPolling()
    return () => void this.#listeners.delete(listener)
  }

  #keepPolling(): void {
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = undefined
      // Somebody may have come when it was about to end.
      if (this.#listeners.size > 0 && !this.#closing.signal.aborted) this.#keepPolling()
    })
  }

  /** Calls the listeners: something else is known about what is listed. */
  tell(): void {
    for (const listener of this.#listeners) listener()
  }

  async close(): Promise<void> {
    this.#closing.abort(new CheckpointError("CKPT_CLOSED", "ckpt serve is ending."))
    await Promise.all([this.#under?.done, this.#polling])
  }

  /** Between two looks that nobody asked for: a look at 100,000 checkpoints must not follow the look before at once. */
  get #rest(): number {
    return (this.#listing?.tookMs ?? 0) * share
  }

  async #run(under: { since: number; read: number }): Promise<void> {
    try {
      const { found, clockAhead } = await unlessStalled((signal, came) =>
        this.#list(under, AbortSignal.any([signal, this.#closing.signal]), came),
      )
      const checkpoints = seen(found)
      const byId = new Map(checkpoints.map((one) => [one.id, one]))
      const { number: before = 0, checkpoints: seenBefore = [] } = this.#listing ?? {}
      const number = before > 0 && isSame(seenBefore, checkpoints) ? before : before + 1
      this.#listing = { number, at: Date.now(), tookMs: Date.now() - under.since, clockAhead, checkpoints, byId }
      this.#failure = undefined
      this.#onListing(this.#listing)
    } catch (error) {
      this.#failure = failureOf(error)
    } finally {
      this.#under = undefined
      this.#endedAt = Date.now()
      this.tell()
    }
  }

  async #list(under: { read: number }, signal: AbortSignal, came: () => void) {
    const found: CheckpointSummary[] = []
    let turned = performance.now()
    const { store, backend } = await this.#door.open(signal)
    const clockAhead = await aheadOf(backend, signal)
    for await (const one of store.list({ signal })) {
      found.push(one)
      came()
      under.read = found.length
      // The storage may answer from memory, without any turn in between: whoever else asks gets one all the same.
      if (performance.now() - turned > turnMs) {
        await turn()
        turned = performance.now()
      }
    }
    return { found, clockAhead }
  }

  async #poll(): Promise<void> {
    const { signal } = this.#closing
    while (this.#listeners.size > 0 && !signal.aborted) {
      await rest(Math.max(pollMs, this.#rest), signal)
      if (this.#listeners.size === 0 || signal.aborted) return
      const age = Date.now() - this.#endedAt
      if (age >= lookEveryMs || this.#listing === undefined || (await this.#hasChanged(this.#listing)))
        await this.look()
    }
  }

  async #hasChanged({ checkpoints }: Listing): Promise<boolean> {
    try {
      const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(stallMs)])
      const { store } = await this.#door.open(signal)
      const ids = await store.ids({ signal })
      return ids.length !== checkpoints.length || ids.some((id, at) => id !== checkpoints[at]?.id)
    } catch {
      // The look says why.
      return true
    }
  }
}

/** A storage that does not tell its time is taken to have this machine's; if it fails, the listing says why. */
async function aheadOf(backend: ObjectBackend, signal: AbortSignal): Promise<number> {
  try {
    const now = await ask(backend, "reading the clock", (asked) => backend.now({ signal: asked }), { signal })
    return now.getTime() - Date.now()
  } catch {
    return 0
  }
}

/** Whether a reader would see the same. */
function isSame(before: readonly Seen[], now: readonly Seen[]): boolean {
  return (
    before.length === now.length &&
    now.every((one, at) => {
      const { id, lastModified, valid, pins, issues } = before[at] ?? one
      return (
        one.id === id &&
        one.lastModified.getTime() === lastModified.getTime() &&
        one.valid === valid &&
        one.issues.length === issues.length &&
        String(one.pins) === String(pins)
      )
    })
  )
}
