import { ended } from "../async/abort.js"
import { longestSleepMs, type RetryContext, timeoutError } from "./attempt.js"

/**
 * Waits that come one after the other, each given up as an attempt is. One timer serves all of them: a body may have many
 * thousand chunks.
 */
export class IdleTimeout {
  readonly #context: RetryContext
  readonly #operation: { readonly name: string; readonly key: string }
  readonly #closed = new AbortController()
  #since = 0
  #giveUp: ((reason: unknown) => void) | undefined
  #isGuarded = false

  constructor(context: RetryContext, operation: { readonly name: string; readonly key: string }) {
    this.#context = context
    this.#operation = operation
  }

  /** What `start` gives, or `transient` if that takes too long. */
  wait<T>(start: () => Promise<T>): Promise<T> {
    this.#since = this.#context.clock.monotonic()
    return new Promise<T>((resolve, reject) => {
      this.#giveUp = reject
      start().then(
        (value) => {
          this.#giveUp = undefined
          resolve(value)
        },
        (error) => {
          this.#giveUp = undefined
          reject(error)
        },
      )
      if (this.#isGuarded) return
      this.#isGuarded = true
      // It ends by the rejection of its sleep; that is no failure.
      this.#guard().catch(() => {})
    })
  }

  async #guard(): Promise<void> {
    const { policy, clock } = this.#context
    const { timeoutMs } = policy
    if (!Number.isFinite(timeoutMs)) return
    for (;;) {
      const left = this.#giveUp === undefined ? timeoutMs : this.#since + timeoutMs - clock.monotonic()
      if (left <= 0) break
      await clock.sleep(Math.min(left, longestSleepMs), this.#closed.signal)
    }
    this.giveUp(timeoutError(this.#operation, "transient", timeoutMs))
  }

  /** Ends the wait that is under way, if there is one. */
  giveUp(reason: unknown): void {
    this.#giveUp?.(reason)
  }

  close(): void {
    this.#closed.abort(ended)
  }
}
