/** Bytes of a piece, at most: larger pieces gain nothing and hold up the event loop. */
const maxPieceBytes = 1024 * 1024
/** Smaller chunks are copied together: one call for each would cost more than the copy. */
const minPieceBytes = 64 * 1024
const blockBytes = 256 * 1024

/**
 * Memory for pieces that are copied together. A block that was taken belongs to the reader of the pieces. A block that
 * comes back is used again, which is several times faster than new memory from the system.
 */
export class BlockPool {
  readonly #taken = new WeakSet<ArrayBufferLike>()
  readonly #free: Uint8Array[] = []

  take(): Uint8Array {
    // The memory is not cleared: only bytes that were written into it are handed on.
    const block = this.#free.pop() ?? Buffer.allocUnsafeSlow(blockBytes)
    this.#taken.add(block.buffer)
    return block
  }

  /**
   * Takes a block back from a reader that is done with it. A piece that is not of these blocks, or is back already, is
   * ignored.
   */
  recycle(piece: Uint8Array): void {
    if (this.#taken.delete(piece.buffer)) this.#free.push(new Uint8Array(piece.buffer))
  }
}

/**
 * The same bytes in pieces, for chunks that will not change: large chunks are cut, small chunks are copied together.
 */
export function* piecesInMemory(
  chunks: readonly Uint8Array[],
  blocks = new BlockPool(),
): Generator<Uint8Array, void, void> {
  let block: Uint8Array | undefined
  let used = 0
  for (const chunk of chunks) {
    if (block !== undefined && used + chunk.length > block.length) {
      yield block.subarray(0, used)
      block = undefined
    }
    if (chunk.length >= minPieceBytes) {
      if (block !== undefined) yield block.subarray(0, used)
      block = undefined
      for (let offset = 0; offset < chunk.length; offset += maxPieceBytes) {
        yield chunk.subarray(offset, offset + maxPieceBytes)
      }
      continue
    }
    if (block === undefined) {
      block = blocks.take()
      used = 0
    }
    block.set(chunk, used)
    used += chunk.length
  }
  if (block !== undefined && used > 0) yield block.subarray(0, used)
}

/**
 * The same bytes in pieces of a size that is good to hash and to write. Every chunk is copied, since its source may use
 * its buffer again.
 */
export function pieces(
  chunks: AsyncIterable<Uint8Array>,
  blocks = new BlockPool(),
): AsyncIterableIterator<Uint8Array, void, void> {
  return new Pieces(chunks[Symbol.asyncIterator](), blocks)
}

/** Not a generator: for small chunks, a generator's turns of the microtask queue would take as long as the hash. */
class Pieces implements AsyncIterableIterator<Uint8Array, void, void> {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #blocks: BlockPool
  /**
   * The rest of the last chunk, for which the last block had no room. It is copied before the next chunk is asked for.
   */
  #rest: Uint8Array | undefined
  #ended = false

  constructor(chunks: AsyncIterator<Uint8Array>, blocks: BlockPool) {
    this.#chunks = chunks
    this.#blocks = blocks
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, void>> {
    if (this.#ended) return { done: true, value: undefined }
    const block = this.#blocks.take()
    let used = 0
    while (used < block.length) {
      let chunk = this.#rest
      if (chunk === undefined) {
        const step = await this.#nextChunk()
        if (step.done) {
          this.#ended = true
          break
        }
        chunk = step.value
      }
      const room = block.length - used
      if (chunk.length <= room) {
        block.set(chunk, used)
        used += chunk.length
        this.#rest = undefined
      } else {
        block.set(chunk.subarray(0, room), used)
        used += room
        this.#rest = chunk.subarray(room)
      }
    }
    if (used > 0) return { done: false, value: used === block.length ? block : block.subarray(0, used) }
    this.#blocks.recycle(block)
    return { done: true, value: undefined }
  }

  #nextChunk(): Promise<IteratorResult<Uint8Array>> {
    return this.#chunks.next()
  }

  async return(): Promise<IteratorResult<Uint8Array, void>> {
    this.#ended = true
    await this.#chunks.return?.()
    return { done: true, value: undefined }
  }
}
