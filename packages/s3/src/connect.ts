import { aBoolean, type ShapeOf } from "@ckpt/core/adapter"
import { assertBucket } from "./arguments.js"
import { S3Backend } from "./backend.js"
import { clientFields, openClient, type S3ClientOptions } from "./client.js"
import { aPartSize } from "./upload.js"

/** Either a ready client or the options of a new one, and how uploads are made. */
export interface S3ConnectOptions extends S3ClientOptions {
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

/** The kinds of {@link S3ConnectOptions}. */
export const connectFields: ShapeOf<S3ConnectOptions>["fields"] = {
  ...clientFields,
  partBytes: aPartSize,
  signPayload: aBoolean,
}

/** The backend of a bucket, over a client that it destroys if the client was made here. Makes no request. */
export async function connect({
  bucket,
  prefix,
  partBytes,
  signPayload,
  ...client
}: S3ConnectOptions & { bucket: string; prefix: string | undefined }): Promise<S3Backend> {
  assertBucket(bucket)
  const ownsClient = client.client === undefined
  return new S3Backend({ client: await openClient(client), bucket, prefix, partBytes, signPayload, ownsClient })
}
