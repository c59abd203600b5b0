import { PutObjectCommand } from "@aws-sdk/client-s3"
import { BackendError, type Body, type ObjectMeta, type PutOptions } from "@ckpt/core"
import { uploadBody } from "@ckpt/core/adapter"
import { codeOf, statusOf, unreadable } from "./errors.js"
import { abandonUpload, beginUpload, completeUpload, conditions, type Place, partSize, sendPart } from "./multipart.js"
import { request } from "./requests.js"

const partsAtOnce = 4

export interface S3PutOptions extends PutOptions {
  readonly partBytes: number | undefined
  /** Looks at what is at the key. */
  head(signal: AbortSignal | undefined): Promise<ObjectMeta | undefined>
}

/** See `ObjectBackend.put`: in one request if it fits one, otherwise in parts. */
export function putObject(place: Place, key: string, body: Body, options: S3PutOptions): Promise<ObjectMeta> {
  const { when, size } = options
  const limits = {
    partBytes: (index: number) => partSize(index, size, options.partBytes),
    concurrency: partsAtOnce,
  }
  return uploadBody(body, options, limits, {
    whole: (bytes, signal) => settled(key, options, signal, () => putWhole(place, key, bytes, when, signal)),
    begin: (signal) => beginUpload(place, key, signal),
    part: (upload, part, signal) => sendPart(place, key, upload, part, signal),
    complete: (upload, parts, total, signal) =>
      settled(key, options, signal, async () => {
        const version = await completeUpload(place, key, upload, parts, when, signal)
        return { key, size: total, version, lastModified: upload.begun ?? new Date() }
      }),
    abandon: (upload, signal) => abandonUpload(place, key, upload.id, signal),
  })
}

async function putWhole(
  { client, bucket }: Place,
  key: string,
  bytes: Uint8Array,
  when: PutOptions["when"],
  signal: AbortSignal | undefined,
): Promise<ObjectMeta> {
  const body = { Body: bytes, ContentLength: bytes.length }
  const command = new PutObjectCommand({ Bucket: bucket, Key: key, ...body, ...conditions(when) })
  const { output, date } = await request(client, command, { operation: "PutObject", bucket, key }, signal)
  if (output.ETag === undefined) throw unreadable("PutObject", key)
  return { key, size: bytes.length, version: output.ETag, lastModified: date ?? new Date() }
}

/**
 * S3 and its kin tell the loser of a race in several ways. 409: another request for the key was under way, or (some) the
 * key exists; nothing was written, and one look tells which. 404 under `If-Match`: there is no such key.
 */
async function settled(
  key: string,
  { when, head }: S3PutOptions,
  signal: AbortSignal | undefined,
  write: () => Promise<ObjectMeta>,
): Promise<ObjectMeta> {
  try {
    return await write()
  } catch (error) {
    if (!(error instanceof BackendError) || when === undefined) throw error
    const { cause } = error
    if (codeOf(cause) === "NoSuchKey") throw new BackendError("precondition", `${key} is absent`, { cause })
    if (statusOf(cause) !== 409) throw error
    const found = await head(signal)
    const holds = when === "absent" ? found === undefined : found?.version === when.version
    throw new BackendError(holds ? "transient" : "precondition", error.message, { cause })
  }
}
