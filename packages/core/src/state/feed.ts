import { Pace } from "../async/breather.js"
import { Blocks, pieces, piecesInMemory } from "../bytes/rechunk.js"
import { Digest, digestOf } from "../bytes/sha256.js"
import { CheckpointError } from "../errors.js"
import type { ByteIterable } from "../storage/backend.js"
import type { Watch } from "../storage/retry.js"
import type { PutBody } from "../storage/storage.js"

/**
 * Bytes of a state: in one piece, in several that belong behind each other, or as they are made. An iterable is read
 * once, one chunk at a time. Do not change a chunk that was handed over in an array before the save settles; one that an
 * iterable yielded may be used again as soon as the next is asked for.
 */
export type StateSource = Uint8Array | readonly Uint8Array[] | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>

export interface StateInfo {
  /** SHA-256, lower-case hexadecimal. */
  readonly checksum: string
  /** Bytes. */
  readonly size: number
}

/** Up to here a state in memory is hashed before it is sent, and sent in one piece. */
const oneShotBytes = 8 * 1024 * 1024

/** What a commit needs of a state: a body for `put`, and what was in it. */
export interface StateFeed extends PutBody {
  /** Reads what the backend did not take (it saw early that the key exists), so that the checksum covers everything. */
  drain(): Promise<void>
  /** Valid once the body was read to its end. */
  info(): StateInfo
  /** Lets the source release what it holds, if it was not read to its end. */
  close(): void
}

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

/** A source as a feed. Rejects with `CKPT_INVALID` if it is none. */
export async function openFeed(source: StateSource, signal: AbortSignal | undefined): Promise<StateFeed> {
  const chunks = chunksInMemory(source)
  if (chunks === undefined) {
    const blocks = new Blocks()
    return new StreamFeed(pieces(chunksOf(source, signal), blocks), () => release(source), blocks)
  }
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  if (size > oneShotBytes) return new LargeMemoryFeed(chunks, size)
  const digest = await digestOf(chunks, signal)
  const info = { checksum: digest.hex(), size }
  return { size, open: () => chunks, reopenable: () => true, drain: async () => {}, info: () => info, close: () => {} }
}

/** Bytes in memory that are hashed while they are written; they can be read again from their start. */
class LargeMemoryFeed implements StateFeed {
  readonly size: number
  readonly #chunks: readonly Uint8Array[]
  #current: StreamFeed

  constructor(chunks: readonly Uint8Array[], size: number) {
    this.size = size
    this.#chunks = chunks
    this.#current = this.#restart()
  }

  #restart(): StreamFeed {
    const blocks = new Blocks()
    return new StreamFeed(asAsync(piecesInMemory(this.#chunks, blocks)), undefined, blocks)
  }

  open(watch: Watch): ByteIterable {
    this.#current = this.#restart()
    return { ...this.#current.open(watch), isStable: true }
  }

  reopenable(): boolean {
    return true
  }

  drain(): Promise<void> {
    return this.#current.drain()
  }

  info(): StateInfo {
    return this.#current.info()
  }

  close(): void {
    this.#current.close()
  }
}

/** Hashes what passes. The source stays open when the backend stops early, for `drain`. */
export class StreamFeed implements StateFeed {
  readonly size = undefined
  readonly #source: AsyncIterator<Uint8Array>
  readonly #digest = new Digest()
  #touched = false
  #ended = false
  readonly #pace = new Pace()

  readonly #release: () => void

  readonly #blocks: Blocks | undefined

  /**
   * @param release called if the source is given up; a generator that never started cannot do it by itself
   * @param blocks what the pieces were taken from; it gets back those that the backend has done with
   */
  constructor(source: AsyncIterator<Uint8Array>, release: () => void = () => {}, blocks?: Blocks) {
    this.#source = source
    this.#release = release
    this.#blocks = blocks
  }

  open(watch: Watch): AsyncIterable<Uint8Array> & { recycle(piece: Uint8Array): void } {
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      const step = await watch.paused(() => this.#step())
      return step === undefined ? { done: true, value: undefined } : { done: false, value: step }
    }
    return {
      [Symbol.asyncIterator]: () => ({ next, return: async () => ({ done: true, value: undefined }) }),
      recycle: (piece) => this.#blocks?.recycle(piece),
    }
  }

  async #step(): Promise<Uint8Array | undefined> {
    if (this.#ended) return undefined
    this.#touched = true
    const step = await this.#source.next()
    if (step.done) {
      this.#ended = true
      return undefined
    }
    this.#digest.update(step.value)
    await this.#pace.keep(step.value.length)
    return step.value
  }

  reopenable(): boolean {
    return !this.#touched
  }

  async drain(): Promise<void> {
    for (;;) {
      const piece = await this.#step()
      if (piece === undefined) return
      // The digest is what is wanted.
      this.#blocks?.recycle(piece)
    }
  }

  info(): StateInfo {
    if (!this.#ended) throw new Error("the state was not read to its end")
    return { checksum: this.#digest.hex(), size: this.#digest.size }
  }

  /** Not awaited, since a source that hangs would hang this. */
  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#source.return?.()?.then(undefined, () => {})
    if (!this.#touched) this.#release()
  }
}

function asAsync(chunks: Iterator<Uint8Array, void>): AsyncIterator<Uint8Array, void> {
  return { next: async () => chunks.next() }
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
    this.#signal?.addEventListener("abort", this.#onAbort)
    return chunks?.values() ?? (iterable as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  }

  readonly #onAbort = (): void => this.#reject?.(this.#signal?.reason)

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
    this.#signal?.removeEventListener("abort", this.#onAbort)
  }

  /** Not awaited, since a source that hangs would hang this. */
  #leave(): void {
    this.#end()
    const left = this.#iterator?.return?.()
    if (left instanceof Promise) left.catch(() => {})
  }
}

/** The promise, or the signal's reason as soon as it is aborted. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener("abort", onAbort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener("abort", onAbort)
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
