import { type ClaimAtOnce, type Opened, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { anything, checkStoreOptions, type ShapeOf } from "@ckpt/core/adapter"
import { connect, connectFields, type S3ConnectOptions } from "./connect.js"
import { invalid } from "./errors.js"

/** A bucket, and either a ready client or the options of a new one. Without any, the SDK's own defaults are used. */
export interface S3StoreOptions extends StoreOptions, S3ConnectOptions {
  /** The bare name, or the ARN of an access point. It must exist. */
  bucket: string
}

const own: ShapeOf<Omit<S3StoreOptions, keyof StoreOptions>> = {
  fields: { ...connectFields, bucket: anything },
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
  const prefix = rest.prefix && !rest.prefix.endsWith("/") ? `${rest.prefix}/` : rest.prefix
  const backend = await connect({
    ...{ bucket, prefix, partBytes, signPayload },
    ...{ client, region, endpoint, forcePathStyle, credentials, clientOptions },
  })
  return openCheckpointStore({ ...rest, backend, ownsBackend: true })
}
