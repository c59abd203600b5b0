import type { RequestOptions } from "@ckpt/core"

/** Numbers in [0, 1) that a seed determines (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The way to the storage and back: each takes a while, and a client has so many connections and no more. */
export class Network {
  readonly #random: () => number
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(random: () => number, connections: number) {
    this.#random = random
    this.#free = connections
  }

  /** One of the connections, once one is free; call what comes back when it is not needed any more. */
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

  /** 0 to 1.5 ms in one direction; rejects with the signal's reason as soon as it is aborted. */
  async travel({ signal }: RequestOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const ms = this.#random() * 1.5
    // A timer of Node takes a millisecond at least.
    const arrived = new Promise<void>((resolve) => void (ms < 0.75 ? setImmediate(resolve) : setTimeout(resolve, ms)))
    await unlessAborted(arrived, signal)
  }

  /** A request whose effect is `serve`: aborted on its way there it has none, on its way back it has. */
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
          // A generator that was never begun does not come to its `finally`.
          release()
          return iterator.return(undefined)
        },
      }),
    }
  }
}

/** Does not wait for what hangs. `late` runs if it comes all the same. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, late = () => {}): Promise<T> {
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
