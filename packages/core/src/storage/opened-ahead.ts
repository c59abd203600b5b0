import { Follower } from "../async/abort.js"
import { Breather } from "../async/breather.js"
import { Arriving } from "./arriving.js"
import type { ObjectMeta } from "./backend.js"
import type { ByteStream } from "./read-object.js"
import type { StreamOptions } from "./read-ranges.js"

/**
 * An object that is read before anybody knows whether it will do, so that its bytes are on their way meanwhile. It may be
 * older than what is read beside it: whoever takes it checks the bytes, and looks again before the bytes are called damaged.
 */
export class OpenedAhead {
  /** The object that was opened; `undefined`: nothing is there. Rejects if it could not be opened. */
  readonly meta: Promise<ObjectMeta | undefined>
  readonly #stop: Follower
  readonly #arriving: Arriving
  #isTaken = false

  /** @param most bytes that are fetched before anybody takes them */
  constructor(open: (options: StreamOptions) => ByteStream, most: number, signal: AbortSignal | undefined) {
    this.#stop = new Follower(signal)
    let [resolve, reject]: [(meta?: ObjectMeta) => void, (error: unknown) => void] = [() => {}, () => {}]
    this.meta = new Promise((...settle) => {
      ;[resolve, reject] = settle as [typeof resolve, typeof reject]
    })
    this.meta.catch(() => {})
    const stream = open({ signal: this.#stop.signal, onOpen: resolve })
    // After the opening these change nothing.
    const onEnd = (error?: unknown) => (error === undefined ? resolve() : reject(error))
    this.#arriving = new Arriving(stream, { most, signal, onEnd })
  }

  /** The bytes, from the first one; `undefined` if somebody took them already, or nobody did in time. */
  take(): ByteStream | undefined {
    if (this.#isTaken) return undefined
    this.#isTaken = true
    return this.#read()
  }

  async *#read(): ByteStream {
    this.#arriving.fetchNoMoreAhead()
    try {
      return yield* this.#arriving.read(new Breather())
    } finally {
      this.#end()
    }
  }

  /** Gives the connection back, unless somebody took the bytes. */
  close(): void {
    if (this.#isTaken) return
    this.#isTaken = true
    this.#end()
  }

  #end(): void {
    this.#stop.end()
    this.#arriving.leave()
  }
}
