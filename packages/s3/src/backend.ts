import type { Readable } from "node:stream"
import type { S3Client } from "@aws-sdk/client-s3"
import {
  BackendError,
  type Body,
  type Capabilities,
  type DeleteFailure,
  type GetOptions,
  type Leftover,
  type LeftoverOptions,
  type ListRangeOptions,
  type ObjectBackend,
  type ObjectContent,
  type ObjectMeta,
  type PutOptions,
  type RequestOptions,
  type UploadInParts,
} from "@ckpt/core"
import {
  aBoolean,
  allPages,
  answeredRange,
  anything,
  aString,
  assertVersion,
  checkOptions,
  contentBody,
  emptyContent,
  inOrder,
  isRange,
  oneChunk,
  parallelRanges,
  partOf,
  rangeHeader,
  type ShapeOf,
  strongEtag,
} from "@ckpt/core/adapter"
import { assertBucket, assertClient } from "./arguments.js"
import { codeOf, deleteError, isAnsweredByS3, requestError, statusOf, unreadable } from "./errors.js"
import { collectUploads } from "./leftovers.js"
import { addContentMd5, checkShortBodies, type Place, request } from "./requests.js"
import type { Sdk } from "./sdk.js"
import { aPartSize, type Head, putObject, uploadInParts } from "./upload.js"

/** What an {@link S3Backend} is made of. */
export interface S3BackendOptions {
  /** An `S3Client`, used as it is: its own retries come on top of the store's. */
  client: Pick<S3Client, "send" | "config" | "destroy">
  /** The bare name, or the ARN of an access point. It must exist. */
  bucket: string
  /** Where the credentials may list, if not in the whole bucket. Requests about no single key list there. */
  prefix?: string | undefined
  /** See `S3StoreOptions`. */
  partBytes?: number | undefined
  /** See `S3StoreOptions`. */
  signPayload?: boolean | undefined
  /** Destroy the client with this backend. Default false. */
  ownsClient?: boolean | undefined
}

const s3BackendShape: ShapeOf<S3BackendOptions> = {
  fields: {
    client: anything,
    bucket: anything,
    prefix: aString,
    partBytes: aPartSize,
    signPayload: aBoolean,
    ownsClient: aBoolean,
  },
  example: "{ client, bucket }",
}

/** Objects in one bucket of Amazon S3, or of a store that speaks its protocol and honours its conditions. */
export class S3Backend implements ObjectBackend {
  readonly name = "s3"
  readonly capabilities: Capabilities = {
    compareAndSwap: "storage",
    maxDeleteBatch: 1000,
    ranges: parallelRanges,
  }
  readonly parts: UploadInParts
  readonly #place: Place
  readonly #options: S3BackendOptions
  readonly #head: Head = (key, options) => this.head(key, options)
  /** Whether the bucket is known to exist: HEAD answers 404 for a missing key and for a missing bucket alike. */
  #bucketSeen = false

  /** @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used */
  constructor(options: S3BackendOptions) {
    checkOptions("S3Backend", options, s3BackendShape)
    assertClient(options?.client)
    assertBucket(options.bucket)
    this.#options = options
    this.#place = { client: options.client, bucket: options.bucket, signPayload: options.signPayload === true }
    this.parts = uploadInParts(this.#place, options.partBytes, this.#head)
  }

  async put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectMeta> {
    return putObject(this.#place, key, oneChunk(body), options, this.#head)
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent | undefined> {
    const { range, ifVersion, signal } = options
    // HTTP cannot ask for an empty range.
    if (range?.length === 0) return emptyContent(await this.head(key, { signal }), options)
    const { client, bucket } = this.#place
    const what = { operation: "GetObject", bucket, key } as const
    const command = (sdk: Sdk) =>
      checkShortBodies(
        new sdk.GetObjectCommand({ Bucket: bucket, Key: key, Range: rangeHeader(range), IfMatch: ifVersion }),
      )
    try {
      const { output, date } = await request(client, command, what, signal)
      this.#bucketSeen = true
      const stream = output.Body as Readable
      try {
        const { ETag, ContentLength, ContentRange, LastModified } = output
        if (ContentLength === undefined || ETag === undefined) throw unreadable("GetObject", key)
        const version = strongEtag(ETag)
        const whole = { size: ContentLength, length: ContentLength }
        const { size, length } = range === undefined ? whole : answeredRange(key, ContentRange, range)
        const meta = { key, size, version, lastModified: LastModified ?? date ?? new Date(0) }
        assertVersion(meta, ifVersion)
        return {
          meta,
          body: contentBody(stream, { key, length, signal, toError: (error) => requestError(error, what) }),
        }
      } catch (error) {
        stream.destroy()
        throw error
      }
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      const { cause } = error
      if (codeOf(cause) === "NoSuchKey") return undefined
      // S3 refuses a range that starts at the very end in the same way as a range that starts past it.
      if (statusOf(cause) === 416) return emptyContent(await this.head(key, { signal }), options)
      throw error
    }
  }

  async head(key: string, { signal }: RequestOptions = {}): Promise<ObjectMeta | undefined> {
    const { client, bucket } = this.#place
    const command = (sdk: Sdk) => new sdk.HeadObjectCommand({ Bucket: bucket, Key: key })
    try {
      const { output, date } = await request(client, command, { operation: "HeadObject", bucket, key }, signal)
      const { ContentLength: size, ETag, LastModified: lastModified = date } = output
      if (size === undefined || ETag === undefined || lastModified === undefined) throw unreadable("HeadObject", key)
      return { key, size, version: strongEtag(ETag), lastModified }
    } catch (error) {
      if (!(error instanceof BackendError) || statusOf(error.cause) !== 404) throw error
      // The 404 may also be a proxy's own.
      if (!this.#bucketSeen || !isAnsweredByS3(error.cause)) await this.now({ signal })
      return undefined
    }
  }

  async *list(prefix: string, options: ListRangeOptions = {}): AsyncGenerator<ObjectMeta, void, void> {
    if (!isRange(options)) yield* this.#entries(prefix, options)
    // A directory bucket has no order, and refuses a start.
    else if (this.#place.bucket.endsWith("--x-s3"))
      yield* await inOrder(this.#entries(prefix, { signal: options.signal }), options)
    else yield* partOf(this.#entries(prefix, options), options)
  }

  async *#entries(prefix: string, options: ListRangeOptions): AsyncGenerator<ObjectMeta, void, void> {
    for await (const { Key, Size, ETag, LastModified } of allPages((token) => this.#page(prefix, token, options))) {
      if (Key === undefined || Size === undefined || ETag === undefined || LastModified === undefined) {
        throw new BackendError("transient", `the listing of ${prefix} has an entry that lacks key, size, etag or time`)
      }
      yield { key: Key, size: Size, version: strongEtag(ETag), lastModified: LastModified }
    }
  }

  async #page(prefix: string, token: string | undefined, { after, limit, signal }: ListRangeOptions) {
    const { client, bucket } = this.#place
    const command = (sdk: Sdk) =>
      new sdk.ListObjectsV2Command({
        ...{ Bucket: bucket, Prefix: prefix, ContinuationToken: token },
        ...{ StartAfter: after || undefined, MaxKeys: limit && Math.min(limit, 1000) },
        // A key may hold characters that XML cannot.
        EncodingType: "url",
      })
    const { output } = await request(client, command, { operation: "ListObjectsV2", bucket }, signal)
    this.#bucketSeen = true
    const { Contents = [], IsTruncated, NextContinuationToken, EncodingType } = output
    if (IsTruncated === undefined || (IsTruncated && !NextContinuationToken)) {
      throw new BackendError(
        "transient",
        `a page of the listing of ${prefix} in bucket ${bucket} does not say what follows`,
      )
    }
    const items = EncodingType === "url" ? Contents.map((entry) => ({ ...entry, Key: decodeKey(entry.Key) })) : Contents
    return { items, next: IsTruncated ? NextContinuationToken : undefined }
  }

  async delete(keys: readonly string[], { signal }: RequestOptions = {}): Promise<DeleteFailure[]> {
    signal?.throwIfAborted()
    if (keys.length === 0) return []
    const { client, bucket } = this.#place
    const command = (sdk: Sdk) =>
      addContentMd5(new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }))
    const what = { operation: "DeleteObjects", bucket } as const
    const { output } = await request(client, command, what, signal)
    const errors = new Map((output.Errors ?? []).map((failure) => [failure.Key, failure]))
    const deleted = new Set((output.Deleted ?? []).map(({ Key }) => Key))
    return keys.flatMap((key) => {
      const failure = errors.get(key)
      if (failure !== undefined && failure.Code !== "NoSuchKey") {
        return [{ key, error: deleteError(failure, { ...what, key }) }]
      }
      return failure !== undefined || deleted.has(key) ? [] : [{ key, error: unreadable("DeleteObjects", key) }]
    })
  }

  async now({ signal }: RequestOptions = {}): Promise<Date> {
    const { client, bucket } = this.#place
    const command = (sdk: Sdk) =>
      new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: this.#options.prefix, MaxKeys: 1 })
    const { date } = await request(client, command, { operation: "ListObjectsV2", bucket }, signal)
    this.#bucketSeen = true
    if (date === undefined) throw new BackendError("transient", `the answer of bucket ${bucket} has no Date header`)
    return date
  }

  leftovers(options: LeftoverOptions): Promise<Leftover[]> {
    return collectUploads(this.#place, options)
  }

  /** Closes the connections of a client that this backend owns. Any other client stays open. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#options.ownsClient === true) this.#options.client.destroy()
  }
}

/**
 * Decodes a key of a listing. S3 encodes it like a form, where a space is "+". A key that is not UTF-8 cannot be ours,
 * and stays encoded.
 */
function decodeKey(key: string | undefined): string | undefined {
  try {
    return key === undefined ? undefined : decodeURIComponent(key.replaceAll("+", " "))
  } catch {
    return key
  }
}
