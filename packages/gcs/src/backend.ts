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
  type UploadInParts,
} from "@ckpt/core"
import {
  allPages,
  anything,
  aString,
  checkOptions,
  mapConcurrently,
  oneChunk,
  parallelRanges,
  partOf,
  type ShapeOf,
} from "@ckpt/core/adapter"
import { assertBucket } from "./arguments.js"
import { assertClient, type GcsClient } from "./client.js"
import { download } from "./download.js"
import { describe, isObjectMissing } from "./errors.js"
import {
  assertGeneration,
  Bucket,
  isGeneration,
  isSuccess,
  metaFields,
  metaOf,
  type ObjectResource,
  parse,
  refusalOf,
  refused,
} from "./requests.js"
import { aChunkSize, putObject, uploadInParts } from "./upload.js"

/** What a {@link GcsBackend} is made of. */
export interface GcsBackendOptions {
  /** A `Storage` client. Its credentials, endpoint and transport are used; its retries are not. */
  readonly client: GcsClient
  /** The name alone, without "gs://". It must exist. */
  readonly bucket: string
  /** The project that pays for the requests, for a bucket whose requester pays. */
  readonly userProject?: string | undefined
  /** Bytes of one request of a long upload, a multiple of 256 KiB. They are held in memory. Default 8 MiB. */
  readonly chunkBytes?: number | undefined
}

const shape: ShapeOf<GcsBackendOptions> = {
  fields: { client: anything, bucket: anything, userProject: aString, chunkBytes: aChunkSize },
  example: "{ client, bucket }",
}

interface ObjectList {
  readonly kind?: string
  readonly items?: readonly Partial<ObjectResource>[]
  readonly nextPageToken?: string
}

/** Objects in one bucket of Google Cloud Storage. A version is a generation. */
export class GcsBackend implements ObjectBackend {
  readonly name = "gcs"
  // No request deletes several objects: this many single ones are sent at once.
  readonly capabilities: Capabilities = {
    compareAndSwap: "storage",
    maxDeleteBatch: 16,
    ranges: parallelRanges,
  }
  readonly parts: UploadInParts
  readonly #bucket: Bucket

  /** @throws {CheckpointError} `CKPT_INVALID` */
  constructor(options: GcsBackendOptions) {
    checkOptions("GcsBackend", options, shape)
    assertClient(options?.client)
    const { client, bucket, userProject, chunkBytes = 8 * 1024 * 1024 } = options
    assertBucket(bucket)
    this.#bucket = new Bucket(client, bucket, userProject)
    this.parts = uploadInParts(this.#bucket, chunkBytes)
  }

  async put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectMeta> {
    options.signal?.throwIfAborted()
    return putObject(this.#bucket, key, oneChunk(body), options)
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent | undefined> {
    const { ifVersion, signal } = options
    const describe = () => this.#describe(key, signal, ifVersion)
    if (ifVersion !== undefined && !isGeneration(ifVersion)) {
      if ((await this.head(key, { signal })) === undefined) return undefined
      assertGeneration(key, ifVersion)
    }
    return download(this.#bucket, key, options, describe)
  }

  head(key: string, options: RequestOptions = {}): Promise<ObjectMeta | undefined> {
    return this.#describe(key, options.signal)
  }

  async #describe(key: string, signal: AbortSignal | undefined, generation?: string): Promise<ObjectMeta | undefined> {
    const attempted = this.#bucket.attempted("storage.objects.get", key)
    const url = this.#bucket.objectUrl(key, { fields: metaFields, ifGenerationMatch: generation })
    const answer = await this.#bucket.ask(attempted, { method: "GET", url, signal })
    if (isSuccess(answer)) return metaOf(attempted, parse(attempted, answer))
    if (isObjectMissing(refusalOf(answer))) return undefined
    throw refused(attempted, answer)
  }

  list(prefix: string, options: ListRangeOptions = {}): AsyncGenerator<ObjectMeta, void, void> {
    const { after, limit, signal } = options
    // A listing begins with `startOffset` itself, if that is the name of an object.
    const most = limit === undefined ? undefined : Math.min(after === undefined ? limit : limit + 1, 1000)
    const range = { startOffset: after, maxResults: most?.toString() }
    const attempted = this.#bucket.attempted("storage.objects.list")
    const pages = allPages(async (pageToken) => {
      const fields = `kind,nextPageToken,items(${metaFields})`
      const url = this.#bucket.objectsUrl({ prefix, pageToken, ...range, fields })
      const answer = await this.#bucket.ask(attempted, { method: "GET", url, signal })
      if (!isSuccess(answer)) throw refused(attempted, answer)
      const { kind, items = [], nextPageToken } = parse<ObjectList>(attempted, answer)
      // Any other JSON would count as an empty page.
      if (kind !== "storage#objects") {
        throw new BackendError(
          "transient",
          `${describe(attempted)} was answered with no listing: ${answer.text.slice(0, 200)}`,
        )
      }
      return { items: items.map((item) => metaOf(attempted, item)), next: nextPageToken }
    })
    return partOf(pages, options)
  }

  async delete(keys: readonly string[], options: RequestOptions = {}): Promise<DeleteFailure[]> {
    const { signal } = options
    signal?.throwIfAborted()
    const failures = await mapConcurrently(
      keys,
      async (key) => {
        const error = await this.#deleteOne(key, signal)
        return error === undefined ? [] : [{ key, error }]
      },
      this.capabilities.maxDeleteBatch,
    )
    return failures.flat()
  }

  async #deleteOne(key: string, signal: AbortSignal | undefined): Promise<BackendError | undefined> {
    const attempted = this.#bucket.attempted("storage.objects.delete", key)
    try {
      const answer = await this.#bucket.ask(attempted, { method: "DELETE", url: this.#bucket.objectUrl(key), signal })
      // A deletion is answered with 204 and no text. A success with a text is the answer to another request.
      if (isSuccess(answer) && answer.text === "") return undefined
      if (isObjectMissing(refusalOf(answer))) return undefined
      return refused(attempted, answer)
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof BackendError) return error
      throw error
    }
  }

  async now(options: RequestOptions = {}): Promise<Date> {
    const { signal } = options
    const attempted = this.#bucket.attempted("storage.objects.list")
    const url = this.#bucket.objectsUrl({ maxResults: "1", fields: "nextPageToken" })
    const answer = await this.#bucket.ask(attempted, { method: "GET", url, signal })
    if (!isSuccess(answer)) throw refused(attempted, answer)
    const date = new Date(answer.headers.get("date") ?? Number.NaN)
    if (Number.isNaN(date.getTime())) throw new BackendError("transient", "an answer without a Date header")
    return date
  }

  /** Closes the connections that this backend made. The client that was given holds none of them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#bucket.close()
  }
}
