import { Pace } from "../async/breather.js"
import { Blocks, pieces, piecesInMemory } from "../bytes/rechunk.js"
import { Digest, digestOf } from "../bytes/sha256.js"
import type { Watch } from "../storage/attempt.js"
import type { RecyclingChunks } from "../storage/backend.js"
import type { PutBody } from "../storage/storage.js"
import { chunksInMemory, chunksOf, release, type StateSource } from "./source.js"

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

  open(watch: Watch): RecyclingChunks {
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

  open(watch: Watch): RecyclingChunks {
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
