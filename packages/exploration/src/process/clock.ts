import type { Clock } from "@ckpt/core"

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

  async sleep(ms: number): Promise<void> {
    this.#still += ms
  }

  jump(ms: number): void {
    this.#offset = ms
  }
}
