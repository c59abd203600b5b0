import type {
  Body,
  GetOptions,
  ListRangeOptions,
  ObjectBackend,
  ObjectContent,
  ObjectMeta,
  PutOptions,
  RequestOptions,
} from "@ckpt/core"
import { MemoryBackend } from "../../src/index.js"

export interface SeenGet {
  readonly key: string
  readonly range: GetOptions["range"]
  readonly ifVersion: string | undefined
}

/** How a test may change a body: this runs before chunk `index` of the answer to request `request` (from 0). */
export type BeforeChunk = (at: { request: number; index: number; position: number }) => Promise<void> | void

export interface WatchedOptions {
  readonly ranges?: ObjectBackend["capabilities"]["ranges"]
  /** Bytes of the chunks in which a body comes. */
  readonly chunkBytes: number
  /** Brings the bytes of each chunk; see `Line.carry`. */
  readonly carry?: (request: number, bytes: number) => Promise<void>
  /** The keys whose reads are noted. */
  readonly watch?: (key: string) => boolean
}

/** A storage in memory that notes each read, and whose bodies come in small chunks. */
export class WatchedBackend implements ObjectBackend {
  readonly name = "watched"
  readonly capabilities: ObjectBackend["capabilities"]
  readonly gets: SeenGet[] = []
  /** The keys that were looked at. */
  readonly heads: string[] = []
  /** Chunks that were asked for. */
  asked = 0
  /** Chunks that were handed over. */
  given = 0
  openBodies = 0
  mostOpenBodies = 0
  beforeChunk: BeforeChunk = () => {}
  /** May change a chunk of an answer on its way. */
  onWay: (at: { request: number; position: number }, chunk: Uint8Array) => void = () => {}
  onChunkTaken: (chunk: Uint8Array) => void = () => {}
  readonly #inner = new MemoryBackend()
  readonly #options: WatchedOptions

  constructor(options: WatchedOptions) {
    this.#options = options
    const { ranges } = options
    this.capabilities = { ...this.#inner.capabilities, ...(ranges === undefined ? {} : { ranges }) }
  }

  resetCounts(): void {
    this.gets.length = 0
    this.heads.length = 0
    this.asked = 0
    this.given = 0
    this.mostOpenBodies = 0
  }

  put(key: string, body: Body, options?: PutOptions): Promise<ObjectMeta> {
    if (Array.isArray(body) || !this.#isWatched(key)) return this.#inner.put(key, body, options)
    const taken = (chunk: Uint8Array) => this.onChunkTaken(chunk)
    async function* watched(): AsyncGenerator<Uint8Array> {
      for await (const chunk of body) {
        taken(chunk)
        yield chunk
      }
    }
    return this.#inner.put(key, watched(), options)
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent | undefined> {
    if (!this.#isWatched(key)) return this.#inner.get(key, options)
    const request = this.gets.push({ key, range: options.range, ifVersion: options.ifVersion }) - 1
    const content = await this.#inner.get(key, options)
    if (content === undefined) return undefined
    const chunks: Uint8Array[] = []
    for await (const piece of content.body) chunks.push(piece)
    const bytes = Buffer.concat(chunks)
    return { meta: content.meta, body: this.#body(new Uint8Array(bytes), request, options) }
  }

  #isWatched(key: string): boolean {
    return this.#options.watch?.(key) ?? key.startsWith("checkpoints/state-")
  }

  #body(bytes: Uint8Array, request: number, { range, signal }: GetOptions): AsyncIterable<Uint8Array> {
    const { chunkBytes } = this.#options
    this.mostOpenBodies = Math.max(this.mostOpenBodies, ++this.openBodies)
    let isOpen = true
    const close = () => {
      if (isOpen) this.openBodies--
      isOpen = false
    }
    let offset = 0
    let index = 0
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (offset >= bytes.length || !isOpen) {
        close()
        return { done: true, value: undefined }
      }
      this.asked++
      try {
        await this.#options.carry?.(request, Math.min(chunkBytes, bytes.length - offset))
        await this.beforeChunk({ request, index, position: (range?.offset ?? 0) + offset })
        signal?.throwIfAborted()
      } catch (error) {
        close()
        throw error
      }
      const value = bytes.slice(offset, offset + chunkBytes)
      this.onWay({ request, position: (range?.offset ?? 0) + offset }, value)
      offset += value.length
      index++
      this.given++
      return { done: false, value }
    }
    return {
      [Symbol.asyncIterator]: () => ({
        next,
        async return() {
          close()
          return { done: true, value: undefined }
        },
      }),
    }
  }

  head(key: string, options?: RequestOptions): Promise<ObjectMeta | undefined> {
    this.heads.push(key)
    return this.#inner.head(key, options)
  }

  list(prefix: string, options?: ListRangeOptions): AsyncIterable<ObjectMeta> {
    return this.#inner.list(prefix, options)
  }

  delete(keys: readonly string[], options?: RequestOptions): ReturnType<ObjectBackend["delete"]> {
    return this.#inner.delete(keys, options)
  }

  now(options?: RequestOptions): Promise<Date> {
    return this.#inner.now(options)
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Bytes that are different everywhere. */
export function pattern(size: number, seed = 1): Uint8Array {
  const content = new Uint8Array(size)
  for (let index = 0; index < size; index++) content[index] = (index * 31 + (index >> 8) * 7 + seed) & 0xff
  return content
}

export const sameBytes = (a: Uint8Array | undefined, b: Uint8Array): boolean =>
  a !== undefined && Buffer.compare(a, b) === 0
