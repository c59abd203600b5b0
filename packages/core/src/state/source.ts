import { onAbort } from "../async/abort.js"
import { CheckpointError } from "../errors.js"

/**
 * The bytes of a state, in one of three forms:
 *
 * - one `Uint8Array`, or an array of them, one behind the other. Leave these bytes unchanged until the save settles.
 * - an async iterable of `Uint8Array`. It is read once, one chunk at a time. It may use the memory of a chunk again as
 *   soon as the next chunk is asked for.
 * - a `ReadableStream` of `Uint8Array`, read as an iterable is.
 */
export type StateSource = Uint8Array | readonly Uint8Array[] | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>

function isChunkArray(source: StateSource): source is readonly Uint8Array[] {
  return Array.isArray(source)
}

/** The chunks of a source in memory; `undefined` for an iterable or a stream. */
export function chunksInMemory(source: StateSource): readonly Uint8Array[] | undefined {
  if (source instanceof Uint8Array) return [source]
  if (!isChunkArray(source)) return undefined
  for (const chunk of source) assertChunk(chunk)
  return source
}

/** The chunks of a source, each checked to be a `Uint8Array`. An abort of the signal ends the wait for a chunk. */
export function chunksOf(source: StateSource, signal: AbortSignal | undefined): CheckedChunks {
  return new CheckedChunks(source, signal)
}

class CheckedChunks implements AsyncIterableIterator<Uint8Array, void, void> {
  readonly #source: StateSource
  readonly #signal: AbortSignal | undefined
  #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array> | undefined
  #ended = false
  #reject: ((reason: unknown) => void) | undefined
  #ignoreAbort = () => {}

  constructor(source: StateSource, signal: AbortSignal | undefined) {
    this.#source = source
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, void>> {
    if (this.#ended) return { done: true, value: undefined }
    try {
      this.#iterator ??= this.#open()
      const step = await (this.#signal === undefined ? this.#iterator.next() : this.#untilAborted(this.#iterator))
      if (step.done) {
        this.#end()
        return { done: true, value: undefined }
      }
      assertChunk(step.value)
      return step
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, void>> {
    if (!this.#ended) this.#leave()
    return { done: true, value: undefined }
  }

  #open(): AsyncIterator<Uint8Array> | Iterator<Uint8Array> {
    const chunks = chunksInMemory(this.#source)
    const iterable = this.#source as Partial<AsyncIterable<Uint8Array>>
    if (chunks === undefined && typeof iterable?.[Symbol.asyncIterator] !== "function") {
      throw new CheckpointError(
        "CKPT_INVALID",
        `a state is ${describe(iterable)}; give a Uint8Array, an array of them, an async iterable or a ReadableStream.`,
      )
    }
    this.#ignoreAbort = onAbort(this.#signal, () => this.#reject?.(this.#signal?.reason))
    return chunks?.values() ?? (iterable as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  }

  /** The signal has one listener for all chunks: a state of 2 GiB may have half a million chunks. */
  #untilAborted(iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    this.#signal?.throwIfAborted()
    return new Promise((resolve, reject) => {
      this.#reject = reject
      Promise.resolve(iterator.next()).then(resolve, reject)
    })
  }

  #end(): void {
    this.#ended = true
    this.#ignoreAbort()
  }

  /** The source's `return` is not awaited: a source that hangs must not hang its reader. */
  #leave(): void {
    this.#end()
    const left = this.#iterator?.return?.()
    if (left instanceof Promise) left.catch(() => {})
  }
}

/** Ends a source that nobody reads. A stream holds its file or socket from the start, not only from the first read. */
export function release(source: StateSource): void {
  const iterable = source as Partial<AsyncIterable<Uint8Array>> | undefined
  try {
    const iterator = iterable?.[Symbol.asyncIterator]?.()
    iterator?.return?.()?.then(undefined, () => {})
  } catch {
    // The stream is locked: somebody else reads it, and ends it.
  }
}

function assertChunk(chunk: unknown): asserts chunk is Uint8Array {
  if (chunk instanceof Uint8Array) return
  const advice = typeof chunk === "string" ? " Encode text first: new TextEncoder().encode(text)." : ""
  throw new CheckpointError(
    "CKPT_INVALID",
    `a chunk of a state is ${describe(chunk)}; every chunk must be a Uint8Array.${advice}`,
  )
}

function describe(value: unknown): string {
  if (value === null) return "null"
  if (typeof value !== "object") return `a ${typeof value}`
  return `a ${value.constructor?.name ?? "plain object"}`
}
