import type { StoragePlace } from "@ckpt/core"
import { checkOptions, parseObjectUrl } from "@ckpt/core/adapter"
import { connect, connectFields, type S3ConnectOptions } from "./connect.js"

/**
 * A place in a bucket, by its URL: `s3://bucket/prefix`. Region and credentials are those that the SDK finds, unless the options say
 * others. Loads the SDK, and makes no request.
 *
 * @param url text: nothing in it is decoded
 * @throws {CheckpointError} `CKPT_INVALID` for a URL or options that cannot be used, and without the SDK; `CKPT_UNSUPPORTED` with an SDK
 *   that is too old
 */
export async function fromUrl(url: string, options: S3ConnectOptions = {}): Promise<StoragePlace> {
  const { bucket, prefix } = parseObjectUrl(url, "s3", ["bucket"])
  checkOptions("fromUrl", options, { fields: connectFields })
  return { backend: await connect({ ...options, bucket, prefix }), prefix, ownsBackend: true }
}
