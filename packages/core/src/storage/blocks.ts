import { untilAborted } from "../async/abort.js"
import type { Body, ByteIterable } from "./backend.js"

export interface Block {
  readonly bytes: Uint8Array
  readonly last: boolean
  /** What may be used for another part once this one was sent; absent where the bytes are the source's own. */
  readonly memory: Uint8Array | undefined
}

/** There is always one more up to the last. */
export async function nextOf(blocks: AsyncGenerator<Block, void, void>): Promise<Block> {
  return (await blocks.next()).value as Block
}

export interface BlockOptions {
  readonly limits: UploadLimits
  /** Of the whole body, where known. */
  readonly size: number | undefined
  /** Ends the wait for the source. */
  readonly signal: AbortSignal | undefined
  readonly spare: Uint8Array[]
}

/**
 * The bytes of a body in blocks of the sizes wanted, one at least, and which is the last. Copied at once, unless the source
 * says that its chunks stay: it may use them again when it is asked for the next.
 */
export async function* blocksOf(
  body: Body,
  { limits, size, signal, spare }: BlockOptions,
): AsyncGenerator<Block, void, void> {
  const source = iteratorOf(body)
  const iterable: Partial<ByteIterable> = Array.isArray(body) ? {} : (body as ByteIterable)
  const isStable = iterable.isStable === true
  const filling = (index: number) => {
    const limit = limits.partBytes(index)
    // Of a body of unknown size the first one may be all: it grows, so that a short body costs no more than twice its size.
    if (index === 0) return new Filling(limit, isStable, () => new Uint8Array(Math.min(size ?? 0, limit)))
    return new Filling(limit, isStable, () => memoryOf(limit, spare))
  }
  let index = 0
  let block = filling(index)
  let ended = false
  try {
    for (;;) {
      // An abort that came in the same turn as the last chunk would not be heard any more.
      signal?.throwIfAborted()
      const step = await untilAborted(source.next(), signal)
      if (step.done) break
      let rest = step.value
      let isCopied = true
      while (rest.length > 0) {
        // Here it is known that another one comes.
        if (block.full) {
          yield { ...block.result(), last: false }
          block = filling(++index)
        }
        rest = rest.subarray(block.append(rest))
        isCopied &&= !block.isView
      }
      if (isCopied) iterable.recycle?.(step.value)
    }
    ended = true
    yield { ...block.result(), last: true }
  } finally {
    if (!ended) source.return?.()?.then(undefined, () => {})
  }
}

/** Used before if possible: what is thrown away stays until it is collected. */
function memoryOf(bytes: number, spare: Uint8Array[]): Uint8Array {
  const found = spare.pop()
  return found?.length === bytes ? found : new Uint8Array(bytes)
}

/** A block that is being filled: with copies, or as long as it can be, a view of what a stable source gave. */
class Filling {
  readonly #limit: number
  readonly #isStable: boolean
  readonly #newMemory: () => Uint8Array
  #view: Uint8Array | undefined
  #memory: Uint8Array | undefined
  #size = 0

  constructor(limit: number, isStable: boolean, newMemory: () => Uint8Array) {
    this.#limit = limit
    this.#isStable = isStable
    this.#newMemory = newMemory
  }

  get full(): boolean {
    return this.#size === this.#limit
  }

  get isView(): boolean {
    return this.#view !== undefined
  }

  /** Returns how many bytes of the chunk there was room for. */
  append(chunk: Uint8Array): number {
    const part = chunk.subarray(0, this.#limit - this.#size)
    if (this.#memory === undefined && this.#isStable && follows(part, this.#view)) {
      const { buffer, byteOffset, length } = this.#view ?? part.subarray(0, 0)
      this.#view = new Uint8Array(buffer, byteOffset, length + part.length)
    } else {
      this.#copy(part)
    }
    this.#size += part.length
    return part.length
  }

  #copy(part: Uint8Array): void {
    let memory = this.#memory ?? this.#newMemory()
    const needed = this.#size + part.length
    if (needed > memory.length) {
      const grown = new Uint8Array(Math.min(this.#limit, Math.max(needed, 2 * memory.length)))
      grown.set(memory.subarray(0, this.#memory === undefined ? 0 : this.#size))
      memory = grown
    }
    if (this.#view !== undefined) memory.set(this.#view)
    this.#view = undefined
    memory.set(part, this.#size)
    this.#memory = memory
  }

  result(): { bytes: Uint8Array; memory: Uint8Array | undefined } {
    const bytes = this.#view ?? this.#memory?.subarray(0, this.#size) ?? new Uint8Array()
    return { bytes, memory: this.#view === undefined ? this.#memory : undefined }
  }
}

function follows(chunk: Uint8Array, view: Uint8Array | undefined): boolean {
  if (view === undefined) return true
  return chunk.buffer === view.buffer && chunk.byteOffset === view.byteOffset + view.length
}

function iteratorOf(body: Body): AsyncIterator<Uint8Array> {
  if (!Array.isArray(body)) return (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  const chunks = (body as readonly Uint8Array[]).values()
  return { next: async () => chunks.next() as IteratorResult<Uint8Array> }
}

export interface UploadLimits {
  /** Bytes of part `index`. A body that fits the first one goes in one request. */
  partBytes(index: number): number
  /** Parts under way at once; 1 where the storage takes them in order only. */
  readonly concurrency: number
}
