import type { Clock } from "@ckpt/core"

/** A door that is closed at first. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = () => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open: () => open() }
}

/**
 * Resolves once everything that can go on without time or storage has gone on. In a scenario, `settled` of its context
 * waits for the storage too.
 */
export async function settled(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Resolves once this is so; rejects if it is not for half a minute, which no storage for tests needs. */
export async function until(condition: () => boolean, what = "what was waited for"): Promise<void> {
  const giveUp = Date.now() + 30_000
  while (!condition()) {
    if (Date.now() > giveUp) throw new Error(`${what} did not happen`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

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
    if (ms >= this.#timeoutMs) {
      await new Promise<never>((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true }),
      )
    }
    this.sleeps.push(ms)
    this.#time += ms
  }
}
