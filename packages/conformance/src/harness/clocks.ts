import type { Clock } from "@ckpt/core"
import { untilAborted } from "@ckpt/core/adapter"
import { never, settled } from "./waiting.js"

/** A clock that stands still until `advance`. */
export class ManualClock implements Clock {
  /** The length of every sleep, in milliseconds. */
  readonly sleeps: number[] = []
  #time = 0
  readonly #sleepers = new Set<{ at: number; wake: () => void }>()
  readonly #settled: () => Promise<void>

  /**
   * @param whenSettled resolves once everything that needs no time has gone on. A scenario gives `settled` of its
   * context, which waits for the answers of the storage too. They take no time on this clock.
   */
  constructor(whenSettled: () => Promise<void> = settled) {
    this.#settled = whenSettled
  }

  now(): number {
    return 1_700_000_000_000 + this.#time
  }

  monotonic(): number {
    return this.#time
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps.push(ms)
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const onAbort = () => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason)
      }
      const wake = () => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener("abort", onAbort)
        resolve()
      }
      const sleeper = { at: this.#time + ms, wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener("abort", onAbort, { once: true })
    })
  }

  /** Lets time pass. Sleepers wake in the order of their times, and each one goes on before the next one wakes. */
  async advance(ms: number): Promise<void> {
    await this.#settled()
    const end = this.#time + ms
    for (;;) {
      const next = [...this.#sleepers].sort((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      this.#time = Math.max(this.#time, next.at)
      next.wake()
      await this.#settled()
    }
    this.#time = end
    await this.#settled()
  }
}

/** A clock on which waits between attempts end at once and move the time on. Time-outs never fire. */
export class LeapingClock implements Clock {
  /** The length of every sleep that ended, in milliseconds. */
  readonly sleeps: number[] = []
  #time = 0
  readonly #timeoutMs: number

  /** @param timeoutMs a sleep of this length or more is a time-out */
  constructor(timeoutMs = 30_000) {
    this.#timeoutMs = timeoutMs
  }

  now(): number {
    return 1_700_000_000_000 + this.#time
  }

  monotonic(): number {
    return this.#time
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (ms >= this.#timeoutMs) await untilAborted(never(), signal)
    this.sleeps.push(ms)
    this.#time += ms
  }
}

/** A clock on which waits between attempts take no time: a scenario with retries is as fast as one without. */
export function instantClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      // Waits between attempts are short. A long sleep is a time-out, which must not fire at once.
      if (ms > 5_000) await untilAborted(never(), signal)
    },
  }
}
