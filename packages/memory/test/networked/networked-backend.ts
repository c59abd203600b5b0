import {
  BackendError,
  type Body,
  type DeleteFailure,
  type GetOptions,
  type Leftover,
  type ObjectBackend,
  type ObjectContent,
  type ObjectMeta,
  type PutOptions,
  type RequestOptions,
} from "@ckpt/core"
import { Network, unlessAborted } from "./network.js"
import type { ObjectServer } from "./object-server.js"

/** The properties in which object stores differ. */
export interface Traits {
  /** Equal bytes have equal versions. */
  readonly contentVersions: boolean
  readonly leftovers: boolean
  readonly maxDeleteBatch: number
  /** Keys of one page of a listing. */
  readonly pageSize: number
}

/** Bytes of one part of an upload. */
const partBytes = 256 * 1024
/** As many connections as the clients of the object stores open by default. */
const connections = 50

/** An adapter like those for S3 and GCS: requests over a network, long bodies in parts, listings page by page. */
export class NetworkedBackend implements ObjectBackend {
  readonly name = "networked"
  readonly capabilities: ObjectBackend["capabilities"]
  readonly leftovers?: NonNullable<ObjectBackend["leftovers"]>
  readonly #server: ObjectServer
  readonly #network: Network
  readonly #pageSize: number

  constructor(server: ObjectServer, random: () => number, traits: Traits) {
    this.#server = server
    this.#network = new Network(random, connections)
    this.#pageSize = traits.pageSize
    this.capabilities = { compareAndSwap: "storage", maxDeleteBatch: traits.maxDeleteBatch }
    if (traits.leftovers) this.leftovers = (options) => this.#leftovers(options)
  }

  /** The body is read to its end, or fails, before anything is refused. */
  async put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectMeta> {
    const { when, signal } = options
    signal?.throwIfAborted()
    const parts = inParts(body, signal)
    const inSeveral = options.inParts === true
    try {
      const first = await parts.next()
      const second = first.done ? first : await parts.next()
      if (second.done && !inSeveral) {
        const bytes = first.done ? new Uint8Array() : first.value
        return await this.#network.request(options, () => this.#server.put(key, bytes, when))
      }
      return await this.#upload(key, both(first, second, parts), options)
    } finally {
      // Not awaited: if a source hangs, its closing hangs too.
      parts.return(undefined).catch(() => {})
    }
  }

  async #upload(key: string, parts: AsyncIterable<Uint8Array>, options: PutOptions): Promise<ObjectMeta> {
    const { signal = new AbortController().signal, attempt = (one) => one(signal), when } = options
    const id = await this.#network.request(options, async () => this.#server.startUpload(key))
    try {
      let number = 0
      for await (const bytes of parts) {
        const at = ++number
        await attempt((part) =>
          this.#network.request({ signal: part }, async () => this.#server.putPart(id, at, bytes)),
        )
      }
      return await this.#network.request(options, () => this.#server.completeUpload(id, when))
    } catch (error) {
      await this.#network.request({}, async () => this.#server.uploads.delete(id))
      throw error
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent | undefined> {
    const release = await this.#network.connect(options)
    try {
      await this.#network.travel(options)
      const found = await this.#server.get(key, options)
      await this.#network.travel(options)
      if (found !== undefined) {
        return { meta: found.meta, body: this.#network.arriving(found.bytes, release, options) }
      }
    } catch (error) {
      release()
      throw error
    }
    release()
    return undefined
  }

  head(key: string, options?: RequestOptions): Promise<ObjectMeta | undefined> {
    return this.#network.request(options, () => this.#server.head(key))
  }

  async *list(prefix: string, options?: RequestOptions): AsyncGenerator<ObjectMeta, void, void> {
    let after = ""
    for (;;) {
      const page = await this.#network.request(options, () => this.#server.page(prefix, after, this.#pageSize))
      yield* page
      if (page.length < this.#pageSize) return
      after = page.at(-1)?.key ?? ""
    }
  }

  async delete(keys: readonly string[], options?: RequestOptions): Promise<DeleteFailure[]> {
    if (keys.length > this.capabilities.maxDeleteBatch) throw new BackendError("permanent", "400: too many keys")
    await this.#network.request(options, () => this.#server.delete(keys))
    return []
  }

  now(options?: RequestOptions): Promise<Date> {
    return this.#network.request(options, async () => this.#server.now())
  }

  async #leftovers({
    olderThanMs,
    prefix,
    dryRun = false,
    signal,
  }: Parameters<NonNullable<ObjectBackend["leftovers"]>>[0]): Promise<Leftover[]> {
    return this.#network.request({ signal }, async () => {
      const found: Leftover[] = []
      for (const [name, { key, since }] of this.#server.uploads) {
        if (!key.startsWith(prefix) || this.#server.now().getTime() - since.getTime() < olderThanMs) continue
        found.push({ name, since })
        if (!dryRun) this.#server.uploads.delete(name)
      }
      return found
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The body in parts of equal size, of which the last may be shorter. The parts are copies. */
async function* inParts(body: Body, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, void> {
  let held: Uint8Array[] = []
  let size = 0
  const chunks = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body.values()
  try {
    for (;;) {
      const step = await unlessAborted(Promise.resolve(chunks.next()), signal)
      if (step.done) break
      for (let rest = new Uint8Array(step.value); rest.length > 0; ) {
        const taken = rest.subarray(0, partBytes - size)
        held.push(taken)
        size += taken.length
        rest = rest.subarray(taken.length)
        if (size === partBytes) {
          yield Buffer.concat(held)
          held = []
          size = 0
        }
      }
    }
    if (size > 0) yield Buffer.concat(held)
  } finally {
    const closing = chunks.return?.()
    if (closing instanceof Promise) closing.catch(() => {})
  }
}

async function* both(
  first: IteratorResult<Uint8Array, void>,
  second: IteratorResult<Uint8Array, void>,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for (const step of [first, second]) if (!step.done) yield step.value
  yield* rest
}
