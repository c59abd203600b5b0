/**
 * The bytes of a state: written from a source (source, feed, pack-operators), read back by readers (reader,
 * checkpoint). Invariants: every byte is hashed on its way to the storage; a reader of a whole state or operator
 * hands over its last chunk only after the checksum of all its bytes matched.
 */

import { Breather } from "../async/breather.js"
import { BlockPool, pieces, piecesInMemory } from "../bytes/rechunk.js"
import { Digest, digestOf } from "../bytes/sha256.js"
import type { Watch } from "../storage/attempt.js"
import type { RecyclingChunks } from "../storage/backend.js"
import type { PutBody } from "../storage/storage.js"
import { chunksInMemory, isBlob, type StateSource } from "./source.js"
import { called, chunksOf, release } from "./source-chunks.js"

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

/**
 * Opens a source as a feed. It was taken for this save, see `takeSource`.
 *
 * @throws {CheckpointError} `CKPT_INVALID` if the source has no form of {@link StateSource}, here or when it is read
 */
export async function openFeed(source: StateSource, signal: AbortSignal | undefined): Promise<StateFeed> {
  const given = typeof source === "function" ? await called(source, signal) : source
  const chunks = isSmallBlob(given) ? [new Uint8Array(await given.arrayBuffer())] : chunksInMemory(given)
  if (chunks !== undefined) return openChunks(chunks, signal)
  const read = (from: StateSource) => {
    const blocks = new BlockPool()
    return new StreamFeed(pieces(chunksOf(from, signal), blocks), () => release(from), blocks)
  }
  if (isBlob(given)) return new RestartingFeed(() => read(given), given.size)
  // The function is called again only if the first stream was touched, and the write is tried again.
  if (typeof source === "function") return new RestartingFeed(() => read(source), undefined, read(given))
  return read(given)
}

function isSmallBlob(source: unknown): source is Blob {
  return isBlob(source) && source.size <= oneShotBytes
}

async function openChunks(chunks: readonly Uint8Array[], signal: AbortSignal | undefined): Promise<StateFeed> {
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  if (size > oneShotBytes) {
    return new RestartingFeed(() => {
      const blocks = new BlockPool()
      return new StreamFeed(asAsync(piecesInMemory(chunks, blocks)), undefined, blocks)
    }, size)
  }
  const digest = await digestOf(chunks, signal)
  const info = { checksum: digest.hex(), size }
  return { size, open: () => chunks, reopenable: () => true, drain: async () => {}, info: () => info, close: () => {} }
}

/** Bytes that can be read again from the start: in memory, of a blob, or of a function. They are hashed while they are written. */
class RestartingFeed implements StateFeed {
  readonly size: number | undefined
  readonly #restart: () => StreamFeed
  #current: StreamFeed

  /** @param first the first reading, if it is open already */
  constructor(restart: () => StreamFeed, size: number | undefined, first = restart()) {
    this.size = size
    this.#restart = restart
    this.#current = first
  }

  open(watch: Watch): RecyclingChunks {
    if (!this.#current.reopenable()) {
      this.#current.giveUp()
      this.#current = this.#restart()
    }
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
  #givenUp = false
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
    if (this.#givenUp) throw new Error("this attempt was given up")
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

  /** Ends the source. Whoever still reads it fails: an early end would pass for the whole state. */
  giveUp(): void {
    this.close()
    this.#givenUp = true
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
