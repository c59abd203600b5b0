import type { Clock } from "../src/async/clock.js"

/** A clock whose time passes only when somebody waits for it, or when a test says so. */
export class OwnedClock implements Clock {
  time = 0
  readonly slept: number[] = []
  #waiting: { at: number; wake: () => void }[] = []
  now = () => this.time
  monotonic = () => this.time
  autoAdvance = true

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.autoAdvance && ms <= 5_000) {
      signal?.throwIfAborted()
      this.slept.push(ms)
      this.time += ms
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal?.reason)
      const wake = () => {
        signal?.removeEventListener("abort", onAbort)
        resolve()
      }
      this.#waiting.push({ at: this.time + ms, wake })
      signal?.addEventListener("abort", onAbort, { once: true })
    })
  }

  async advance(ms: number): Promise<void> {
    this.time += ms
    for (const waiter of this.#waiting.filter((w) => w.at <= this.time)) waiter.wake()
    this.#waiting = this.#waiting.filter((w) => w.at > this.time)
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }
}
