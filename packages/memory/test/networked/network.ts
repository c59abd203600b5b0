import type { RequestOptions } from "@ckpt/core"
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64"
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus"

/** Numbers from 0 to below 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  const generator = xoroshiro128plus(seed)
  return () => uniformFloat64(generator)
}

/** The way to the storage and back: each direction takes a while, and a client has a fixed number of connections. */
export class Network {
  readonly #random: () => number
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(random: () => number, connections: number) {
    this.#random = random
    this.#free = connections
  }

  /** Waits for a free connection. Call the function that it returns to give the connection back. */
  async connect({ signal }: RequestOptions = {}): Promise<() => void> {
    signal?.throwIfAborted()
    if (this.#free > 0) this.#free--
    else {
      await unlessAborted(new Promise<void>((resolve) => this.#queue.push(resolve)), signal, () => this.#release())
    }
    let held = true
    return () => {
      if (held) this.#release()
      held = false
    }
  }

  #release(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#free++
    else next()
  }

  /** Waits 0 to 1.5 ms, for one direction. Rejects with the signal's reason as soon as the signal is aborted. */
  async travel({ signal }: RequestOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const ms = this.#random() * 1.5
    // A timer of Node takes at least a millisecond.
    const arrived = new Promise<void>((resolve) => void (ms < 0.75 ? setImmediate(resolve) : setTimeout(resolve, ms)))
    await unlessAborted(arrived, signal)
  }

  /** A request whose effect is `serve`. Aborted on its way there it has no effect, aborted on its way back it has. */
  async request<T>(options: RequestOptions | undefined, serve: () => Promise<T>): Promise<T> {
    const release = await this.connect(options)
    try {
      await this.travel(options)
      const answer = await serve()
      await this.travel(options)
      return answer
    } finally {
      release()
    }
  }

  /** A body that arrives in several pieces, and holds its connection until it is read or given up. */
  arriving(bytes: Uint8Array, release: () => void, options: RequestOptions): AsyncIterable<Uint8Array> {
    const travel = () => this.travel(options)
    async function* pieces(): AsyncGenerator<Uint8Array> {
      try {
        const size = Math.max(Math.ceil(bytes.length / 3), 1)
        for (let offset = 0; offset < bytes.length; offset += size) {
          await travel()
          yield bytes.slice(offset, offset + size)
        }
      } finally {
        release()
      }
    }
    const iterator = pieces()
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => iterator.next(),
        return() {
          // The `finally` of a generator that was never begun does not run.
          release()
          return iterator.return(undefined)
        },
      }),
    }
  }
}

/** Does not wait for a promise that hangs. `late` runs if the promise resolves after all. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, late = () => {}): Promise<T> {
  if (signal === undefined) return work
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener("abort", stop, { once: true })
  })
  try {
    return await Promise.race([aborted, work])
  } catch (error) {
    work.then(late, () => {})
    throw error
  } finally {
    signal.removeEventListener("abort", stop)
  }
}
