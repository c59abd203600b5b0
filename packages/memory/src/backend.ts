import {
  BackendError,
  type Body,
  type Capabilities,
  type DeleteFailure,
  type GetOptions,
  type ListRangeOptions,
  type ObjectBackend,
  type ObjectContent,
  type ObjectMeta,
  type PutOptions,
  type RequestOptions,
} from "@ckpt/core"
import { aFunction, checkOptions, inOrder, isRange, recyclerOf, untilAborted } from "@ckpt/core/adapter"

interface StoredObject {
  readonly bytes: Uint8Array
  readonly meta: ObjectMeta
}

/**
 * Objects in this process's memory: for tests, and for jobs that need no more. Several stores may share one backend, as
 * several processes share a bucket. All bytes are copied on their way in and out.
 */
export class MemoryBackend implements ObjectBackend {
  readonly name = "memory"
  readonly capabilities: Capabilities = { compareAndSwap: "storage", maxDeleteBatch: 1000 }
  readonly #objects = new Map<string, StoredObject>()
  readonly #now: () => number
  #versions = 0

  /** @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used */
  constructor(
    options: {
      /** The clock of this storage: milliseconds since 1970. Default: the machine's. */
      now?: () => number
    } = {},
  ) {
    checkOptions("MemoryBackend", options, { fields: { now: aFunction } })
    this.#now = options.now ?? (() => Date.now())
  }

  async put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectMeta> {
    const { when, signal } = options
    signal?.throwIfAborted()
    // `collect` looks at the signal only between two chunks, and a body may hang before its next chunk.
    const bytes = await untilAborted(collect(body, signal), signal)
    signal?.throwIfAborted()
    // From here on nothing waits: the condition is checked and the object is replaced in one step.
    const current = this.#objects.get(key)
    if (when === "absent" && current !== undefined) throw new BackendError("precondition", `${key} exists`)
    if (typeof when === "object" && current?.meta.version !== when.version) {
      const found = current === undefined ? "is absent" : `has version ${current.meta.version}`
      throw new BackendError("precondition", `${key} ${found}, not ${when.version}`)
    }
    const meta = { key, size: bytes.length, version: `v${++this.#versions}`, lastModified: new Date(this.#now()) }
    this.#objects.set(key, { bytes, meta })
    return meta
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent | undefined> {
    const { range, ifVersion, signal } = options
    signal?.throwIfAborted()
    const stored = this.#objects.get(key)
    if (stored === undefined) return undefined
    const { bytes, meta } = stored
    if (ifVersion !== undefined && ifVersion !== meta.version) {
      throw new BackendError("precondition", `${key} has version ${meta.version}, not ${ifVersion}`)
    }
    const start = range?.offset ?? 0
    if (start > bytes.length)
      throw new BackendError("precondition", `${key} has ${bytes.length} bytes, none at ${start}`)
    const end = range?.length === undefined ? bytes.length : Math.min(bytes.length, start + range.length)
    return { meta, body: inPieces(bytes, start, end, signal) }
  }

  async head(key: string, options: RequestOptions = {}): Promise<ObjectMeta | undefined> {
    options.signal?.throwIfAborted()
    return this.#objects.get(key)?.meta
  }

  async *list(prefix: string, options: ListRangeOptions = {}): AsyncGenerator<ObjectMeta, void, void> {
    options.signal?.throwIfAborted()
    const found = [...this.#objects.values()].map(({ meta }) => meta).filter(({ key }) => key.startsWith(prefix))
    yield* isRange(options) ? await inOrder(found, options) : found
  }

  async delete(keys: readonly string[], options: RequestOptions = {}): Promise<DeleteFailure[]> {
    options.signal?.throwIfAborted()
    for (const key of keys) this.#objects.delete(key)
    return []
  }

  async now(options: RequestOptions = {}): Promise<Date> {
    options.signal?.throwIfAborted()
    return new Date(this.#now())
  }

  /**
   * Closes nothing: other stores may still use the objects, which are freed with the last reference to this backend.
   */
  async [Symbol.asyncDispose](): Promise<void> {}
}

const pieceBytes = 1024 * 1024

async function* inPieces(
  bytes: Uint8Array,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (let offset = start; offset < end; offset += pieceBytes) {
    signal?.throwIfAborted()
    yield bytes.slice(offset, Math.min(end, offset + pieceBytes))
  }
}

async function collect(body: Body, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const giveBack = recyclerOf(body)
  let size = 0
  for await (const chunk of body) {
    signal?.throwIfAborted()
    // A chunk may be a small part of a large block: the copy is all that stays.
    chunks.push(giveBack === undefined ? chunk : new Uint8Array(chunk))
    giveBack?.(chunk)
    size += chunk.length
  }
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}
