import type { Clock } from "@ckpt/core"

// Timers of Node hold 31 bits.
const longestSleepMs = 2 ** 31 - 1

/**
 * The clock of one process. Its time of day may be years off, and jump; its monotonic time only goes forward. A wait
 * between two attempts passes at once: the scheduler alone decides which requests arrive meanwhile.
 */
export class ProcessClock implements Clock {
  readonly #storageNow: () => number
  #offset = 0
  #still = 0

  constructor(storageNow: () => number) {
    this.#storageNow = storageNow
  }

  now(): number {
    return this.#storageNow() + this.#offset
  }

  monotonic(): number {
    return this.#storageNow() + this.#still
  }

  /** The longest sleep is that of a limit that never comes. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms >= longestSleepMs) {
      return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)))
    }
    this.#still += ms
    return Promise.resolve()
  }

  jump(ms: number): void {
    this.#offset = ms
  }
}
