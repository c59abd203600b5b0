import { Digest, digestOf } from "./checksum.js"
import { CheckpointError } from "./errors.js"
import type { Watch } from "./retry.js"
import type { PutBody } from "./storage.js"

/**
 * Bytes of a state: in one piece, in several that belong behind each other, or as they are made. An iterable is read
 * once, one chunk at a time. Do not change a chunk that was handed over in an array before the save settles; a chunk
 * under 64 KiB that an iterable yielded may be reused as soon as the next one is asked for.
 */
export type StateSource = Uint8Array | readonly Uint8Array[] | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>

export interface StateInfo {
  /** SHA-256, lower-case hexadecimal. */
  readonly checksum: string
  /** Bytes. */
  readonly size: number
}

// Larger pieces gain nothing and hold up the event loop; smaller ones cost a call each.
const maxPieceBytes = 1024 * 1024
const minPieceBytes = 64 * 1024
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
  if (chunks === undefined) return new StreamFeed(pieces(chunksOf(source, signal)), () => release(source))
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
    return new StreamFeed(pieces(fromArray(this.#chunks)))
  }

  open(watch: Watch): AsyncIterable<Uint8Array> {
    this.#current = this.#restart()
    return this.#current.open(watch)
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

  readonly #release: () => void

  /** @param release called if the source is given up; a generator that never started cannot do it by itself */
  constructor(source: AsyncIterator<Uint8Array>, release: () => void = () => {}) {
    this.#source = source
    this.#release = release
  }

  open(watch: Watch): AsyncIterable<Uint8Array> {
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      const step = await watch.paused(() => this.#step())
      return step === undefined ? { done: true, value: undefined } : { done: false, value: step }
    }
    return {
      [Symbol.asyncIterator]: () => ({ next, return: async () => ({ done: true, value: undefined }) }),
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
    return step.value
  }

  reopenable(): boolean {
    return !this.#touched
  }

  async drain(): Promise<void> {
    while ((await this.#step()) !== undefined) {
      // The digest is what is wanted.
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

async function* fromArray(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* chunks
}

/** The chunks of an iterable, checked; a wait for the next one ends when the signal is aborted. */
export async function* chunksOf(
  source: StateSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const chunks = chunksInMemory(source)
  if (chunks !== undefined) {
    yield* chunks
    return
  }
  const iterable = source as Partial<AsyncIterable<Uint8Array>>
  if (typeof iterable?.[Symbol.asyncIterator] !== "function") {
    throw new CheckpointError(
      "CKPT_INVALID",
      `a state is ${describe(source)}; give a Uint8Array, an array of them, an async iterable or a ReadableStream.`,
    )
  }
  const iterator = (iterable as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  let done = false
  try {
    for (;;) {
      signal?.throwIfAborted()
      const step = await untilAborted(iterator.next(), signal)
      if (step.done) {
        done = true
        return
      }
      assertChunk(step.value)
      yield step.value
    }
  } finally {
    if (!done) iterator.return?.()?.then(undefined, () => {})
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

/**
 * The same bytes in pieces of a size that is good to hash and write. Small chunks are copied together, which also
 * protects them from a source that reuses its buffer.
 */
export async function* pieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let block: Uint8Array | undefined
  let used = 0
  for await (const chunk of chunks) {
    if (chunk.length >= minPieceBytes) {
      if (block !== undefined && used > 0) yield block.subarray(0, used)
      block = undefined
      used = 0
      for (let offset = 0; offset < chunk.length; offset += maxPieceBytes) {
        yield chunk.subarray(offset, offset + maxPieceBytes)
      }
      continue
    }
    let offset = 0
    while (offset < chunk.length) {
      // A block that was yielded belongs to the backend: the next one is fresh.
      block ??= new Uint8Array(minPieceBytes * 4)
      const part = chunk.subarray(offset, offset + block.length - used)
      block.set(part, used)
      used += part.length
      offset += part.length
      if (used === block.length) {
        yield block
        block = undefined
        used = 0
      }
    }
  }
  if (block !== undefined && used > 0) yield block.subarray(0, used)
}

/** Ends a source that was never read: a stream holds a file or a socket from the start. */
function release(source: StateSource): void {
  const iterable = source as Partial<AsyncIterable<Uint8Array>> | undefined
  const iterator = iterable?.[Symbol.asyncIterator]?.()
  iterator?.return?.()?.then(undefined, () => {})
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
