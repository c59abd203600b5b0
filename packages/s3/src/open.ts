import { type CheckpointStore, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { S3Backend } from "./backend.js"
import { openClient, type S3ClientOptions } from "./client.js"
import { invalid } from "./errors.js"

export interface S3StoreOptions extends StoreOptions, S3ClientOptions {
  /** The bare name, or the ARN of an access point. It must exist. */
  bucket: string
  /**
   * Bytes of each part of a state that is sent in parts, from 5 MiB to 2 GiB. Default 8 MiB, more for a state that
   * would not fit into 10,000 parts. Four parts are sent at once, and up to five are in memory.
   */
  partBytes?: number | undefined
}

/**
 * Opens a store in a bucket. Makes no request.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used
 */
export async function openS3Store(options: S3StoreOptions): Promise<CheckpointStore> {
  const { bucket, client, region, endpoint, forcePathStyle, credentials, clientOptions, partBytes, ...rest } = options
  assertBucket(bucket)
  const prefix = rest.prefix && !rest.prefix.endsWith("/") ? `${rest.prefix}/` : rest.prefix
  const backend = new S3Backend({
    client: openClient({ client, region, endpoint, forcePathStyle, credentials, clientOptions }),
    ...{ bucket, prefix, partBytes },
    ownsClient: client === undefined,
  })
  return openCheckpointStore({ ...rest, backend, ownsBackend: true })
}

function assertBucket(bucket: unknown): void {
  if (typeof bucket !== "string" || bucket === "")
    throw invalid("bucket is missing; give the name of a bucket that exists.")
  const [, name, path] = /^s3:\/\/([^/]*)\/?(.*)$/.exec(bucket) ?? []
  if (name !== undefined) {
    throw invalid(`bucket is "${bucket}"; give bucket: "${name}"${path ? ` and prefix: "${path}"` : ""}.`)
  }
  if (bucket.includes("/") && !bucket.startsWith("arn:")) {
    throw invalid(`bucket is "${bucket}"; a bucket has no "/" in its name. What follows it belongs in prefix.`)
  }
}
