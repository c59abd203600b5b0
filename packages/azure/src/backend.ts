import type { Readable } from "node:stream"
import type {
  BlobDownloadOptions,
  BlobDownloadResponseParsed,
  ContainerClient,
  ContainerListBlobFlatSegmentResponse,
  ContainerListBlobsOptions,
} from "@azure/storage-blob"
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
  aFunction,
  allPages,
  answeredRange,
  assertVersion,
  checkOptions,
  contentBody,
  emptyContent,
  inOrder,
  isRange,
  oneChunk,
  oneOf,
  parallelRanges,
  partOf,
  verifiedBody,
} from "@ckpt/core/adapter"
import { defaultChecksums, runningMd5, type TransactionalChecksums } from "./checksum.js"
import { assertContainer } from "./client.js"
import { deleteBlobs, maxBatch } from "./delete.js"
import { azureError, codeOf, isAbsent, type Operation, type Place } from "./errors.js"
import { isFolder, metaOf, quoted, refuseFolder } from "./meta.js"
import { request } from "./requests.js"
import { putBlob, type UploadTarget, uploadInParts } from "./upload.js"

/**
 * Keys of one page of a listing. The service gives up to 5,000, but parsing so many at once would block the event loop.
 */
const pageSize = 1000
/** The longest range for which the service computes an MD5. */
const rangeMd5Bytes = 4 * 1024 * 1024

/** The kind of `transactionalChecksums`. */
export const aChecksum = oneOf("md5", "none")

/** The options of an {@link AzureBackend}. */
export interface AzureBackendOptions {
  /** See `AzureStoreOptions`. */
  transactionalChecksums?: TransactionalChecksums | undefined
  /** Called when the backend is disposed of. */
  dispose?: (() => void) | undefined
}

/** Block blobs of one container. A version is the etag without its quotes. */
export class AzureBackend implements ObjectBackend {
  readonly name = "azure"
  readonly capabilities: Capabilities = {
    compareAndSwap: "storage",
    maxDeleteBatch: maxBatch,
    ranges: parallelRanges,
  }
  readonly parts: UploadInParts = uploadInParts((key, when) => this.#target(key, when))
  readonly #container: ContainerClient
  readonly #place: Place
  readonly #checksums: TransactionalChecksums
  readonly #dispose: () => void
  /** A listing has shown a folder: the account has a hierarchical namespace. */
  #hasFolders = false

  /**
   * @param container used as it is: its retries come on top of the store's
   * @throws {CheckpointError} `CKPT_INVALID` for what is no container, or options that cannot be used
   */
  constructor(container: ContainerClient, options: AzureBackendOptions = {}) {
    assertContainer(container)
    checkOptions("AzureBackend", options, { fields: { dispose: aFunction, transactionalChecksums: aChecksum } })
    this.#container = container
    this.#place = { account: container.accountName, container: container.containerName }
    this.#checksums = options.transactionalChecksums ?? defaultChecksums(container.url)
    this.#dispose = options.dispose ?? (() => {})
  }

  async put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectMeta> {
    return putBlob(this.#target(key, options.when), oneChunk(body), options.signal)
  }

  #target(key: string, when: PutOptions["when"]): UploadTarget {
    const client = this.#container.getBlockBlobClient(key)
    return {
      client,
      place: this.#place,
      key,
      when,
      checksums: this.#checksums,
      head: (signal) => this.head(key, { signal }),
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent | undefined> {
    const { range, ifVersion, signal } = options
    // HTTP cannot ask for an empty range.
    if (range?.length === 0) return emptyContent(await this.head(key, { signal }), options)
    const operation: Operation = { name: "Get Blob", needs: "read", key }
    const isChecked = this.#checksums === "md5" && range?.length !== undefined && range.length <= rangeMd5Bytes
    return request(this.#place, operation, signal, async (abort) => {
      // The SDK refuses an answer without a length, but leaves its connection open: this signal closes it.
      const own = new AbortController()
      const settings: BlobDownloadOptions = {
        abortSignal: abort.abortSignal === undefined ? own.signal : AbortSignal.any([abort.abortSignal, own.signal]),
        // If a body breaks off, core asks for the rest of it.
        maxRetryRequests: 0,
        ...(ifVersion !== undefined && { conditions: { ifMatch: quoted(ifVersion) } }),
        ...(isChecked && { rangeGetContentMD5: true }),
      }
      try {
        const answer = await this.#container.getBlobClient(key).download(range?.offset, range?.length, settings)
        return contentOf(key, answer, options, {
          signal,
          toError: (error) => azureError(error, this.#place, operation),
        })
      } catch (error) {
        own.abort()
        if (isAbsent(error)) return undefined
        if (codeOf(error) === "InvalidRange") return emptyContent(await this.head(key, { signal }), options)
        // For a condition on an absent blob azurite answers that the condition does not hold.
        if (codeOf(error) === "ConditionNotMet" && (await this.head(key, { signal })) === undefined) return undefined
        throw error
      }
    })
  }

  async head(key: string, { signal }: RequestOptions = {}): Promise<ObjectMeta | undefined> {
    return request(this.#place, { name: "Get Blob Properties", needs: "read", key }, signal, async (abort) => {
      try {
        const answer = await this.#container.getBlobClient(key).getProperties(abort)
        refuseFolder(key, answer.metadata)
        return metaOf(key, answer.contentLength, answer)
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    })
  }

  list(prefix: string, options: ListRangeOptions = {}): AsyncIterable<ObjectMeta> {
    return isRange(options) ? this.#range(prefix, options) : this.#entries(prefix, options)
  }

  /**
   * An account with a hierarchical namespace puts "/" before every other character. Up to the first folder that makes no
   * difference; from there on all is read, and sorted here.
   */
  async *#range(prefix: string, { after, limit, signal }: ListRangeOptions): AsyncGenerator<ObjectMeta, void, void> {
    let rest = { after, limit }
    if (!this.#hasFolders) {
      for await (const meta of partOf(this.#entries(prefix, { after, limit, signal }), rest)) {
        if (this.#hasFolders) break
        yield meta
        rest = { after: meta.key, limit: rest.limit && rest.limit - 1 }
      }
      if (!this.#hasFolders || rest.limit === 0) return
    }
    yield* await inOrder(this.#entries(prefix, { signal }), rest)
  }

  #entries(prefix: string, { after, limit, signal }: ListRangeOptions): AsyncGenerator<ObjectMeta, void, void> {
    // `startFrom` begins with that very name. A service that does not know the parameter begins at the prefix, and its pages are read
    // up to `after`: only the first one is short.
    const first = limit === undefined ? pageSize : Math.min(after === undefined ? limit : limit + 1, pageSize)
    return allPages(async (token) => {
      const size = token === undefined || after === undefined ? first : pageSize
      const page = await this.#page({ prefix, ...(after && { startFrom: after }) }, size, token, signal)
      const items = page.segment.blobItems.map(({ name, properties, metadata }) => {
        const folder = isFolder(metadata)
        this.#hasFolders ||= folder
        return metaOf(folder ? `${name}/` : name, properties.contentLength ?? 0, properties)
      })
      return { items, next: page.continuationToken }
    })
  }

  delete(keys: readonly string[], { signal }: RequestOptions = {}): Promise<DeleteFailure[]> {
    return deleteBlobs(this.#container, this.#place, keys, signal)
  }

  async now({ signal }: RequestOptions = {}): Promise<Date> {
    const { date } = await this.#page({}, 1, undefined, signal)
    if (date === undefined) throw new BackendError("transient", "the answer to List Blobs has no date")
    return date
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#dispose()
  }

  #page(
    range: Pick<ContainerListBlobsOptions, "prefix" | "startFrom">,
    maxPageSize: number,
    token: string | undefined,
    signal: AbortSignal | undefined,
  ) {
    return request(this.#place, { name: "List Blobs", needs: "read" }, signal, async (abort) => {
      const listing = this.#container.listBlobsFlat({ ...range, includeMetadata: true, ...abort })
      const settings = { maxPageSize, ...(token !== undefined && { continuationToken: token }) }
      const value: ContainerListBlobFlatSegmentResponse | undefined = (await listing.byPage(settings).next()).value
      // An answer of success that is no listing must not count as an empty listing.
      if (value?.serviceEndpoint === undefined || !Array.isArray(value.segment?.blobItems)) {
        throw new BackendError("transient", `the answer to List Blobs of ${this.#place.container} is no listing`)
      }
      return value
    })
  }
}

function contentOf(
  key: string,
  answer: BlobDownloadResponseParsed,
  { range, ifVersion }: GetOptions,
  options: { signal: AbortSignal | undefined; toError: (error: unknown) => BackendError },
): ObjectContent {
  const stream = answer.readableStreamBody as Readable
  // An answer that is refused here is aborted. The SDK's stream then emits an error, which must not end the process.
  stream.on("error", () => {})
  refuseFolder(key, answer.metadata)
  const { contentLength = 0, contentRange, contentMD5 } = answer
  const isWhole = range === undefined || (range.offset === 0 && range.length === undefined)
  const whole = { size: contentLength, length: contentLength }
  const { size, length } = isWhole ? whole : answeredRange(key, contentRange, range)
  const meta = metaOf(key, size, answer)
  assertVersion(meta, ifVersion)
  const body = contentBody(stream, { key, length, ...options })
  if (contentMD5 === undefined) return { meta, body }
  return { meta, body: verifiedBody(key, body, runningMd5(), Buffer.from(contentMD5).toString("base64")) }
}
