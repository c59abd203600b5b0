import { setImmediate } from "node:timers/promises"
import { settled } from "@ckpt/conformance"
import type { Clock } from "@ckpt/core"
import { untilAborted } from "@ckpt/core/adapter"

export interface LineOptions {
  /** Bytes a millisecond that one connection carries. */
  readonly rate: number
  /** Bytes a millisecond that the server sends on all connections together. Default: as many as they carry. */
  readonly serverRate?: number
  /** Milliseconds from a request to the first byte of its answer. */
  readonly latencyMs?: number
}

/**
 * A line of a known rate, and the clock that goes with it: time passes only when everything that needs no time has gone on, and
 * then up to the next event.
 */
export class Line implements Clock {
  readonly #options: Required<LineOptions>
  #time = 0
  readonly #events: { readonly at: number; readonly wake: () => void }[] = []
  readonly #freeAt = new Map<number, number>()
  #serverFreeAt = 0
  #running: Promise<void> | undefined

  constructor({ rate, serverRate = Number.POSITIVE_INFINITY, latencyMs = 0 }: LineOptions) {
    this.#options = { rate, serverRate, latencyMs }
  }

  now(): number {
    return 1_700_000_000_000 + this.#time
  }

  monotonic(): number {
    return this.#time
  }

  /** A long sleep is a time-out, which must not fire while nothing else happens. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (ms >= 5_000) await untilAborted(new Promise<void>(() => {}), signal)
    await this.#until(this.#time + ms)
  }

  /** Resolves once the next bytes of the answer to a request have come. */
  async carry(request: number, bytes: number): Promise<void> {
    const { rate, serverRate, latencyMs } = this.#options
    const begin = this.#freeAt.get(request) ?? this.#time + latencyMs
    this.#serverFreeAt = Math.max(begin, this.#serverFreeAt) + bytes / serverRate
    const at = Math.max(Math.max(begin, this.#time) + bytes / rate, this.#serverFreeAt)
    this.#freeAt.set(request, at)
    await this.#until(at)
  }

  #until(at: number): Promise<void> {
    return new Promise((wake) => {
      this.#events.push({ at, wake })
      this.#running ??= this.#run()
    })
  }

  /** Resolves once nothing comes any more. */
  async quiet(): Promise<void> {
    await settled()
    await this.#running
    await settled()
  }

  async #run(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    while (this.#events.length > 0) {
      this.#events.sort((a, b) => a.at - b.at)
      const next = this.#events.shift()
      this.#time = Math.max(this.#time, next?.at ?? 0)
      next?.wake()
      for (let turn = 0; turn < 5; turn++) await setImmediate()
    }
    this.#running = undefined
  }
}
