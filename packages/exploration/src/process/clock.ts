import type { Clock } from "@ckpt/core"

/**
 * The clock of one process: it may be years off, and jump; the monotonic one goes forward only, by a lot where the
 * process stood still. Waits between attempts pass at once: what could happen meanwhile, the scheduler decides anyway.
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
