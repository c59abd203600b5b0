import { onAbort } from "./abort.js"

interface Waiting {
  readonly share: Share
  readonly bytes: number
  readonly go: () => void
}

/**
 * Bytes that may be held together. Whoever finds no room waits, in the order of the calls, and holds nothing meanwhile: so
 * nobody waits for somebody who waits. More than the whole budget is the whole budget: it is had alone.
 */
export class Budget {
  readonly #limit: number
  readonly #shares = new Map<Share, number>()
  #held = 0
  #queue: Waiting[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** A share of nothing, so far. Call its `release` in any case. */
  share(): Share {
    return new Share(this)
  }

  /** See {@link Share}. */
  take(share: Share, bytes: number): boolean {
    const wanted = Math.min(bytes, this.#limit)
    const has = this.#shares.get(share) ?? 0
    if (wanted <= has) return true
    // Whoever came first goes first, or a large share would wait for ever.
    if (this.#queue.length > 0 || this.#held + wanted - has > this.#limit) return false
    this.#shares.set(share, wanted)
    this.#held += wanted - has
    return true
  }

  async wait(share: Share, bytes: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    this.release(share)
    await new Promise<void>((resolve, reject) => {
      const ignore = onAbort(signal, () => {
        this.#queue = this.#queue.filter((one) => one !== waiting)
        reject(signal?.reason)
        this.#admit()
      })
      const go = () => {
        ignore()
        resolve()
      }
      const waiting: Waiting = { share, bytes: Math.min(bytes, this.#limit), go }
      this.#queue.push(waiting)
      this.#admit()
    })
  }

  release(share: Share): void {
    this.#held -= this.#shares.get(share) ?? 0
    this.#shares.delete(share)
    this.#admit()
  }

  #admit(): void {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (this.#held + first.bytes > this.#limit) return
      this.#queue.shift()
      this.#shares.set(first.share, first.bytes)
      this.#held += first.bytes
      first.go()
    }
  }
}

/** What one reader holds of a budget. */
export class Share {
  readonly #budget: Budget

  constructor(budget: Budget) {
    this.#budget = budget
  }

  /** Makes the share so large, if there is room. False: there is none, and the share is as before. */
  take(bytes: number): boolean {
    return this.#budget.take(this, bytes)
  }

  /** Gives back what the share has, and resolves once it is so large. What was read under it must be let go of before. */
  wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return this.#budget.wait(this, bytes, signal)
  }

  release(): void {
    this.#budget.release(this)
  }
}
