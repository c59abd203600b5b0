import type { Breather } from "../async/breather.js"
import type { ByteStream, StreamEnd } from "./read-object.js"

export interface ArrivingOptions {
  /** Bytes from which on nothing more is fetched until somebody reads. Default: all are fetched. */
  readonly most?: number
  /** Called with each chunk that came. */
  readonly onChunk?: (bytes: number, isFirst: boolean) => void
  /** Called once nothing more will come. `error`: why. */
  readonly onEnd?: (error?: unknown) => void
  /** Once it is aborted, nothing is handed over. */
  readonly signal?: AbortSignal | undefined
}

/** A stream that is fetched whether or not somebody reads it already. */
export class Arriving {
  readonly #stream: ByteStream
  readonly #chunks: Uint8Array[] = []
  #bytes = 0
  readonly #signal: AbortSignal | undefined
  #most: number
  #ended: { readonly end: StreamEnd } | { readonly error: unknown } | undefined
  /** Somebody waits for a chunk. */
  #wake: (() => void) | undefined
  /** The fetching waits for somebody to read. */
  #goOn: (() => void) | undefined

  constructor(stream: ByteStream, options: ArrivingOptions) {
    const { most = Number.POSITIVE_INFINITY, signal, onChunk, onEnd } = options
    this.#stream = stream
    this.#signal = signal
    this.#most = most
    void this.#fetch(onChunk, onEnd)
  }

  async #fetch(onChunk: ArrivingOptions["onChunk"], onEnd: ArrivingOptions["onEnd"]): Promise<void> {
    let isFirst = true
    try {
      for (;;) {
        if (this.#bytes >= this.#most && this.#wake === undefined) {
          await new Promise<void>((resolve) => {
            this.#goOn = resolve
          })
        }
        const step = await this.#stream.next()
        if (step.done) {
          this.#ended = { end: step.value }
          onEnd?.()
          break
        }
        this.#chunks.push(step.value)
        this.#bytes += step.value.length
        onChunk?.(step.value.length, isFirst)
        isFirst = false
        this.#wakeReader()
      }
    } catch (error) {
      this.#ended = { error }
      onEnd?.(error)
    }
    this.#wakeReader()
  }

  #wakeReader(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** From now on nothing is fetched before it is asked for, beyond what is here already. */
  fetchNoMoreAhead(): void {
    this.#most = 0
  }

  /** Nobody will read. A request that is under way ends by its signal. */
  leave(): void {
    this.#stream.return("complete").catch(() => {})
  }

  /** @param wait is given each promise of a chunk, and waits for it */
  async *read(breather: Breather, wait = (coming: Promise<void>) => coming): ByteStream {
    for (;;) {
      this.#signal?.throwIfAborted()
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#bytes -= chunk.length
        await breather.keep(chunk.length)
        yield chunk
      } else if (this.#ended === undefined) {
        const came = new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#goOn?.()
        await wait(came)
      } else {
        if ("error" in this.#ended) throw this.#ended.error
        return this.#ended.end
      }
    }
  }
}
