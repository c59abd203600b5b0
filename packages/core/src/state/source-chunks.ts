import { onAbort, untilAborted } from "../async/abort.js"
import { CheckpointError } from "../errors.js"
import { takeIterator, takeSource } from "./read-once.js"
import {
  assertSource,
  chunkOf,
  chunksInMemory,
  type GivenSource,
  isAsyncIterable,
  isBlob,
  type StateSource,
} from "./source.js"

/**
 * The chunks of a source, as bytes. An abort of the signal ends the wait for a chunk. A function is called with the first step.
 *
 * @param name of the option, for messages
 */
export function chunksOf(source: StateSource, signal: AbortSignal | undefined, name = "the state"): SourceChunks {
  return new SourceChunks(source, signal, name)
}

/**
 * What a function gives, taken for this save.
 *
 * @throws {CheckpointError} `CKPT_INVALID` if it gives no source
 */
export async function called(
  source: () => unknown,
  signal: AbortSignal | undefined,
  name = "the state",
): Promise<GivenSource> {
  const given = await untilAborted(Promise.resolve(source()), signal)
  if (typeof given === "function") {
    throw new CheckpointError("CKPT_INVALID", `${name}: its function gave a function; give bytes or a stream.`)
  }
  const what = `what the function of ${name} gave`
  assertSource(given, what)
  takeSource(given, what)
  return given as GivenSource
}

class SourceChunks implements AsyncIterableIterator<Uint8Array, void, void> {
  readonly #source: StateSource
  readonly #signal: AbortSignal | undefined
  readonly #name: string
  #iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined
  #ended = false
  #reject: ((reason: unknown) => void) | undefined
  #ignoreAbort = () => {}

  constructor(source: StateSource, signal: AbortSignal | undefined, name: string) {
    this.#source = source
    this.#signal = signal
    this.#name = name
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, void>> {
    if (this.#ended) return { done: true, value: undefined }
    try {
      this.#iterator ??= this.#open(
        typeof this.#source === "function" ? await called(this.#source, this.#signal, this.#name) : this.#source,
      )
      const step = await (this.#signal === undefined ? this.#iterator.next() : this.#untilAborted(this.#iterator))
      if (step.done) {
        this.#end()
        return { done: true, value: undefined }
      }
      return { done: false, value: chunkOf(step.value) }
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, void>> {
    if (!this.#ended) this.#leave()
    return { done: true, value: undefined }
  }

  #open(source: GivenSource): AsyncIterator<unknown> | Iterator<unknown> {
    const iterable = isBlob(source) ? source.stream() : source
    const iterator = chunksInMemory(iterable)?.values() ?? iteratorOf(iterable, this.#name)
    this.#ignoreAbort = onAbort(this.#signal, () => this.#reject?.(this.#signal?.reason))
    return iterator
  }

  /** The signal has one listener for all chunks: a state of 2 GiB may have half a million chunks. */
  #untilAborted(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<IteratorResult<unknown>> {
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

function iteratorOf(source: GivenSource, name: string): AsyncIterator<unknown> {
  assertSource(source, name)
  const iterator = (source as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  takeIterator(iterator, source, name)
  return iterator
}

/** Ends a source that nobody reads. A stream holds its file or socket from the start, not only from the first read. */
export function release(source: StateSource): void {
  if (!isAsyncIterable(source)) return
  try {
    source[Symbol.asyncIterator]()
      .return?.()
      ?.then(undefined, () => {})
  } catch {
    // The stream is locked: somebody else reads it, and ends it.
  }
}
