import { untilAborted } from "../async/abort.js"
import type { Body, RecyclingChunks } from "./backend.js"

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
  /** Bytes of block `index`. */
  readonly blockBytes: (index: number) => number
  /** Of the whole body, where known. */
  readonly size: number | undefined
  /** Ends the wait for the source. */
  readonly signal: AbortSignal | undefined
  readonly spare: Uint8Array[]
}

/**
 * The bytes of a body in blocks of the sizes wanted, one at least, and which is the last. Chunks that lie behind one another
 * in memory are handed on from where they are; others are copied together, and given back to a source that wants them.
 */
export async function* blocksOf(
  body: Body,
  { blockBytes, size, signal, spare }: BlockOptions,
): AsyncGenerator<Block, void, void> {
  const source = iteratorOf(body)
  const recycle = recyclerOf(body)
  const filling = (index: number) => {
    const limit = blockBytes(index)
    // Of a body of unknown size the first one may be all: it grows, so that a short body costs no more than twice its size.
    if (index === 0) return new Filling(limit, () => new Uint8Array(Math.min(size ?? 0, limit)), recycle)
    return new Filling(limit, () => memoryOf(limit, spare), recycle)
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
      const chunk = step.value
      let isCopied = true
      for (let rest = chunk; rest.length > 0; ) {
        // Here it is known that another one comes.
        if (block.full) {
          yield { ...block.result(), last: false }
          block = filling(++index)
        }
        const taken = block.append(rest)
        rest = rest.subarray(taken)
        isCopied &&= !block.isView
        if (block.isView && taken === chunk.length) block.holds(chunk)
      }
      if (isCopied) recycle?.(chunk)
    }
    ended = true
    yield { ...block.result(), last: true }
  } finally {
    if (!ended) source.return?.()?.then(undefined, () => {})
  }
}

/** Where the chunks of this body go back to, if it wants them. */
export function recyclerOf(body: Body): ((chunk: Uint8Array) => void) | undefined {
  const { recycle } = body as Partial<RecyclingChunks>
  return recycle === undefined ? undefined : (chunk) => recycle.call(body, chunk)
}

/** Used before if possible: what is thrown away stays until it is collected. */
function memoryOf(bytes: number, spare: Uint8Array[]): Uint8Array {
  const found = spare.pop()
  return found?.length === bytes ? found : new Uint8Array(bytes)
}

/** A block that is being filled: as long as it can be, a view of what the source gave; then with copies. */
class Filling {
  readonly #limit: number
  readonly #newMemory: () => Uint8Array
  readonly #recycle: ((chunk: Uint8Array) => void) | undefined
  #view: Uint8Array | undefined
  /** What the view consists of, to be given back if it is copied after all. */
  readonly #held: Uint8Array[] = []
  #memory: Uint8Array | undefined
  #size = 0

  constructor(limit: number, newMemory: () => Uint8Array, recycle: ((chunk: Uint8Array) => void) | undefined) {
    this.#limit = limit
    this.#newMemory = newMemory
    this.#recycle = recycle
  }

  get full(): boolean {
    return this.#size === this.#limit
  }

  get isView(): boolean {
    return this.#view !== undefined
  }

  /** The whole of this chunk is a part of the view. */
  holds(chunk: Uint8Array): void {
    if (this.#recycle !== undefined) this.#held.push(chunk)
  }

  /** Returns how many bytes of the chunk there was room for. */
  append(chunk: Uint8Array): number {
    const part = chunk.subarray(0, this.#limit - this.#size)
    if (this.#memory === undefined && follows(part, this.#view)) {
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
    for (const chunk of this.#held.splice(0)) this.#recycle?.(chunk)
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
