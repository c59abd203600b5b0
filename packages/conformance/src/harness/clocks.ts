import type { Clock } from "@ckpt/core"
import { settled, untilAborted } from "./waiting.js"

/** Time that stands still until it is told to go on. */
export class ManualClock implements Clock {
  /** Every sleep that was asked for, in milliseconds. */
  readonly sleeps: number[] = []
  #time = 0
  readonly #sleepers = new Set<{ at: number; wake: () => void }>()
  readonly #settled: () => Promise<void>

  /**
   * @param whenSettled resolves once what goes on without time has gone on. Where a storage is asked meanwhile, its answers
   * are part of that: `settled` of a scenario's context. They take no time on this clock.
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

  /** Lets time pass; whoever sleeps wakes in order, and what follows from it happens. */
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

/** Waits between attempts pass at once, and time with them; time-outs never fire. */
export class LeapingClock implements Clock {
  readonly sleeps: number[] = []
  #time = 0
  readonly #timeoutMs: number

  /** @param timeoutMs sleeps of this length or more are time-outs */
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
    if (ms >= this.#timeoutMs) await untilAborted(signal)
    this.sleeps.push(ms)
    this.#time += ms
  }
}

/** Waits take no time, so that a scenario with retries is as fast as one without. */
export function instantClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      // Only the short waits between attempts are skipped; a time-out must not fire at once.
      if (ms > 5_000) await untilAborted(signal)
    },
  }
}
