/**
 * The bytes of a state: written from a source (source, feed, pack-operators), read back by readers (reader,
 * checkpoint). Invariants: every byte is hashed on its way to the storage; a reader hands over its last chunk only
 * after the checksum of all its bytes matched.
 */

import { Breather } from "../async/breather.js"
import { BlockPool, pieces, piecesInMemory } from "../bytes/rechunk.js"
import { Digest, digestOf } from "../bytes/sha256.js"
import type { Watch } from "../storage/attempt.js"
import type { RecyclingChunks } from "../storage/backend.js"
import type { PutBody } from "../storage/storage.js"
import { chunksInMemory, chunksOf, release, type StateSource } from "./source.js"

/** A state that was written. */
export interface StateInfo {
  /** SHA-256, 64 lower-case hex digits. */
  readonly checksum: string
  /** Bytes. */
  readonly size: number
}

/** A state in memory of up to this many bytes is hashed first and then sent as it is. */
const oneShotBytes = 8 * 1024 * 1024

/** A state as a commit needs it: a body for `put`, and the checksum and size of the bytes that were read from it. */
export interface StateFeed extends PutBody {
  /**
   * Reads the rest of the body, so that the checksum covers all of it. A backend may stop early: it saw that the key
   * exists.
   */
  drain(): Promise<void>
  /** Checksum and size. To be called once the body was read to its end. */
  info(): StateInfo
  /** Gives up the rest of the source, so that it can close its file or socket. */
  close(): void
}

/** Opens a source as a feed. A source in no form of {@link StateSource} is `CKPT_INVALID`, here or when it is read. */
export async function openFeed(source: StateSource, signal: AbortSignal | undefined): Promise<StateFeed> {
  const chunks = chunksInMemory(source)
  if (chunks === undefined) {
    const blocks = new BlockPool()
    return new StreamFeed(pieces(chunksOf(source, signal), blocks), () => release(source), blocks)
  }
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  if (size > oneShotBytes) return new LargeMemoryFeed(chunks, size)
  const digest = await digestOf(chunks, signal)
  const info = { checksum: digest.hex(), size }
  return { size, open: () => chunks, reopenable: () => true, drain: async () => {}, info: () => info, close: () => {} }
}

/** Bytes in memory, hashed while they are written. They can be read again from the start. */
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
    const blocks = new BlockPool()
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

/** Hashes the bytes that pass. If the backend stops early, the source stays open for `drain`. */
export class StreamFeed implements StateFeed {
  readonly size = undefined
  readonly #source: AsyncIterator<Uint8Array>
  readonly #digest = new Digest()
  #touched = false
  #ended = false
  readonly #breather = new Breather()

  readonly #release: () => void

  readonly #blocks: BlockPool | undefined

  /**
   * @param release called if the source is given up before its first chunk: a generator that never started cannot
   *   release anything itself
   * @param blocks the memory of the pieces, which takes back the pieces that the backend has done with
   */
  constructor(source: AsyncIterator<Uint8Array>, release: () => void = () => {}, blocks?: BlockPool) {
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
    await this.#breather.keep(step.value.length)
    return step.value
  }

  reopenable(): boolean {
    return !this.#touched
  }

  async drain(): Promise<void> {
    for (;;) {
      const piece = await this.#step()
      if (piece === undefined) return
      // Only the digest is needed, not the piece.
      this.#blocks?.recycle(piece)
    }
  }

  info(): StateInfo {
    if (!this.#ended) throw new Error("the state was not read to its end")
    return { checksum: this.#digest.hex(), size: this.#digest.size }
  }

  /** The source's `return` is not awaited: a source that hangs must not hang `close`. */
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
