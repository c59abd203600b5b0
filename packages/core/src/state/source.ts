import { onAbort } from "../async/abort.js"
import { CheckpointError } from "../errors.js"

/**
 * Bytes of a state: in one piece, in several that belong behind each other, or as they are made. An iterable is read
 * once, one chunk at a time. Do not change a chunk that was handed over in an array before the save settles; one that an
 * iterable yielded may be used again as soon as the next is asked for.
 */
export type StateSource = Uint8Array | readonly Uint8Array[] | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>

function isChunkArray(source: StateSource): source is readonly Uint8Array[] {
  return Array.isArray(source)
}

/** The chunks of a source that is in memory; `undefined` for one that is made while it is read. */
export function chunksInMemory(source: StateSource): readonly Uint8Array[] | undefined {
  if (source instanceof Uint8Array) return [source]
  if (!isChunkArray(source)) return undefined
  for (const chunk of source) assertChunk(chunk)
  return source
}

/** The chunks of a source, checked; a wait for the next one ends when the signal is aborted. */
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

  /** One listener for all chunks: a state of 2 GiB may have half a million. */
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

  /** Not awaited, since a source that hangs would hang this. */
  #leave(): void {
    this.#end()
    const left = this.#iterator?.return?.()
    if (left instanceof Promise) left.catch(() => {})
  }
}

/** Ends a source that was never read: a stream holds a file or a socket from the start. */
export function release(source: StateSource): void {
  const iterable = source as Partial<AsyncIterable<Uint8Array>> | undefined
  try {
    const iterator = iterable?.[Symbol.asyncIterator]?.()
    iterator?.return?.()?.then(undefined, () => {})
  } catch {
    // Somebody else reads it (a stream that is locked), and ends it.
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
