import type { StoragePlace } from "@ckpt/core"
import { checkOptions, parseObjectUrl } from "@ckpt/core/adapter"
import { connect, connectFields, connectHints, type GcsConnectOptions } from "./connect.js"

/**
 * A place in a bucket, by its URL: `gs://bucket/prefix`. Credentials are the Application Default Credentials, unless the options say
 * others. Loads the SDK, and makes no request.
 *
 * @param url text: nothing in it is decoded
 * @throws {CheckpointError} `CKPT_INVALID` for a URL or options that cannot be used, and without the SDK; `CKPT_UNSUPPORTED` with an SDK
 *   that is too old
 */
export async function fromUrl(url: string, options: GcsConnectOptions = {}): Promise<StoragePlace> {
  const { bucket, prefix } = parseObjectUrl(url, "gs", ["bucket"])
  checkOptions("fromUrl", options, { fields: connectFields, hints: connectHints })
  return { backend: await connect({ ...options, bucket }), prefix, ownsBackend: true }
}
