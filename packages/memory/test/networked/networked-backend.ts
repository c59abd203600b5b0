import {
  BackendError,
  type Body,
  type DeleteFailure,
  type GetOptions,
  type Leftover,
  type ListRangeOptions,
  type ObjectBackend,
  type ObjectContent,
  type ObjectMeta,
  type PutOptions,
  type RequestOptions,
  type UploadInParts,
} from "@ckpt/core"
import { oneChunk, parallelRanges } from "@ckpt/core/adapter"
import { Network } from "./network.js"
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

interface Upload {
  readonly id: string
  readonly when: PutOptions["when"]
}

function uploadInParts(server: ObjectServer, network: Network): UploadInParts<Upload> {
  return {
    partBytes: () => partBytes,
    concurrency: 4,
    begin: (key, { when, ...options }) => network.request(options, async () => ({ id: server.startUpload(key), when })),
    part: ({ id }, { index, bytes }, options) =>
      network.request(options, async () => server.putPart(id, index, copied(bytes))),
    complete: ({ id, when }, _, options) => network.request(options, () => server.completeUpload(id, when)),
    abandon: ({ id }, options) => network.request(options, async () => void server.uploads.delete(id)),
  }
}

/** An adapter like those for S3 and GCS: requests over a network, long bodies in parts, listings page by page. */
export class NetworkedBackend implements ObjectBackend {
  readonly name = "networked"
  readonly capabilities: ObjectBackend["capabilities"]
  readonly parts: UploadInParts
  readonly leftovers?: NonNullable<ObjectBackend["leftovers"]>
  readonly #server: ObjectServer
  readonly #network: Network
  readonly #pageSize: number

  constructor(server: ObjectServer, random: () => number, traits: Traits) {
    this.#server = server
    this.#network = new Network(random, connections)
    this.#pageSize = traits.pageSize
    const { maxDeleteBatch } = traits
    this.capabilities = { compareAndSwap: "storage", maxDeleteBatch, ranges: parallelRanges }
    this.parts = uploadInParts(server, this.#network)
    if (traits.leftovers) this.leftovers = (options) => this.#leftovers(options)
  }

  put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectMeta> {
    return this.#network.request(options, () => this.#server.put(key, copied(oneChunk(body)), options.when))
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

  async *list(prefix: string, options: ListRangeOptions = {}): AsyncGenerator<ObjectMeta, void, void> {
    let { after = "", limit: left = Number.POSITIVE_INFINITY } = options
    while (left > 0) {
      const size = Math.min(this.#pageSize, left)
      const page = await this.#network.request(options, () => this.#server.page(prefix, after, size))
      yield* page
      if (page.length < size) return
      after = page.at(-1)?.key ?? ""
      left -= page.length
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
    mayGo = () => true,
    dryRun = false,
    signal,
  }: Parameters<NonNullable<ObjectBackend["leftovers"]>>[0]): Promise<Leftover[]> {
    return this.#network.request({ signal }, async () => {
      const found: Leftover[] = []
      for (const [name, { key, since }] of this.#server.uploads) {
        if (!key.startsWith(prefix) || this.#server.now().getTime() - since.getTime() < olderThanMs) continue
        if (!mayGo(key, since)) continue
        found.push({ name, since })
        if (!dryRun) this.#server.uploads.delete(name)
      }
      return found
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** On the other side nobody shares memory with the sender. */
function copied(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}
