import type { Clock } from "@ckpt/core"

/** Longer than any wait between two attempts, shorter than the time-out of a request. */
const timeoutsFromMs = 10_000

interface Sleeper {
  readonly at: number
  wake(): void
}

/**
 * A wait between two attempts passes at once, and the time of the clock with it. A time-out fires when the test says
 * that a request hangs: it costs no real time, and never fires because a machine is slow.
 */
export class FaultClock implements Clock {
  readonly waits: number[] = []
  #time = 0
  readonly #timeouts = new Set<Sleeper>()

  now(): number {
    return Date.now() + this.#time
  }

  monotonic(): number {
    return this.#time
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (ms < timeoutsFromMs) {
      this.waits.push(ms)
      this.#time += ms
      return
    }
    await new Promise<void>((resolve, reject) => {
      const forget = () => {
        this.#timeouts.delete(sleeper)
        reject(signal?.reason)
      }
      const wake = () => {
        this.#timeouts.delete(sleeper)
        signal?.removeEventListener("abort", forget)
        resolve()
      }
      const sleeper = { at: this.#time + ms, wake }
      this.#timeouts.add(sleeper)
      signal?.addEventListener("abort", forget, { once: true })
    })
  }

  /** Fires every time-out that runs now. */
  timeOut(): void {
    for (const { at } of this.#timeouts) this.#time = Math.max(this.#time, at)
    for (const sleeper of [...this.#timeouts]) sleeper.wake()
  }
}
