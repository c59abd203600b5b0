import { rest } from "./rest.js"
import type { Served } from "./served.js"
import type { Seen } from "./status.js"

/** While a page is patrolled, a listing is not older. */
const maxAgeMs = 2_000

/**
 * Verifies one checkpoint after the other, with a rest between two: the latest that nobody verified, otherwise the one that was
 * verified longest ago. So a byte that rots is found, and not only once a job needs it.
 */
export class Patrol {
  readonly #served: Served
  readonly #everyMs: number
  readonly #closing = new AbortController()
  readonly #going: Promise<void>

  constructor(served: Served, everyMs: number) {
    this.#served = served
    this.#everyMs = everyMs
    this.#going = this.#go()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#going
  }

  async #go(): Promise<void> {
    const { signal } = this.#closing
    const { looker, verifying } = this.#served
    while (!signal.aborted) {
      const { listing } = await looker.recent(maxAgeMs, this.#everyMs)
      const due = listing && this.#due(listing.checkpoints)
      if (due !== undefined) await verifying.verifyOne(due, signal)
      await rest(this.#everyMs, signal)
    }
  }

  #due(checkpoints: readonly Seen[]): Seen | undefined {
    const { verifying } = this.#served
    const unknown = checkpoints.findLast((one) => one.valid && verifying.finding(one) === undefined)
    if (unknown !== undefined) return unknown
    let oldest: Seen | undefined
    for (const one of checkpoints) {
      if (!one.valid) continue
      const [at, before] = [verifying.finding(one)?.at ?? 0, oldest && (verifying.finding(oldest)?.at ?? 0)]
      if (before === undefined || at < before) oldest = one
    }
    return oldest
  }
}
