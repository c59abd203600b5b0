import { type ClaimAtOnce, type Opened, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { aBoolean, anything, checkStoreOptions, type ShapeOf } from "@ckpt/core/adapter"
import { assertBucket } from "./arguments.js"
import { S3Backend } from "./backend.js"
import { clientFields, openClient, type S3ClientOptions } from "./client.js"
import { invalid } from "./errors.js"
import { aPartSize } from "./upload.js"

/** A bucket, and either a ready client or the options of a new one. Without any, the SDK's own defaults are used. */
export interface S3StoreOptions extends StoreOptions, S3ClientOptions {
  /** The bare name, or the ARN of an access point. It must exist. */
  bucket: string
  /**
   * Bytes of each part of a state that is sent in parts, from 5 MiB to 2 GiB. Default 8 MiB, more for a state that
   * would not fit into 10,000 parts. Four parts are sent at once, and up to five are in memory.
   */
  partBytes?: number | undefined
  /**
   * True: the bytes of uploads are part of their signature over https too, which costs one more SHA-256 of each byte. Default
   * false: TLS protects them on their way, and S3 compares them with their signed CRC-32. A bucket whose policy forbids
   * `UNSIGNED-PAYLOAD` (condition key `s3:x-amz-content-sha256`) needs true. Over http they are always signed.
   */
  signPayload?: boolean | undefined
}

const own: ShapeOf<Omit<S3StoreOptions, keyof StoreOptions>> = {
  fields: {
    ...clientFields,
    bucket: anything,
    partBytes: aPartSize,
    signPayload: aBoolean,
  },
  example: "options: { bucket, … }",
}

/**
 * Opens a store in a bucket. Makes no request.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used, and without the SDK; `CKPT_UNSUPPORTED` with an SDK that
 *   is too old
 */
export async function openS3Store<Claim extends boolean | undefined = undefined>(
  options: S3StoreOptions & ClaimAtOnce<Claim>,
): Promise<Opened<Claim>> {
  checkStoreOptions("openS3Store", options, own)
  if (options === undefined) throw invalid("openS3Store needs options: { bucket, … }.")
  const {
    bucket,
    client,
    region,
    endpoint,
    forcePathStyle,
    credentials,
    clientOptions,
    partBytes,
    signPayload,
    ...rest
  } = options
  assertBucket(bucket)
  const prefix = rest.prefix && !rest.prefix.endsWith("/") ? `${rest.prefix}/` : rest.prefix
  const backend = new S3Backend({
    client: await openClient({ client, region, endpoint, forcePathStyle, credentials, clientOptions }),
    ...{ bucket, prefix, partBytes, signPayload },
    ownsClient: client === undefined,
  })
  return openCheckpointStore({ ...rest, backend, ownsBackend: true })
}
