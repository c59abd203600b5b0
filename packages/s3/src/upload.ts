import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3"
import { BackendError, type Body, CheckpointError, type ObjectMeta, type PutOptions } from "@ckpt/core"
import { type UploadPart, uploadBody } from "@ckpt/core/adapter"
import { codeOf, statusOf, unreadable } from "./errors.js"
import { type Place, request } from "./requests.js"

const mebibyte = 1024 * 1024
const minPartBytes = 5 * mebibyte
// S3 takes 5 GiB; a part is one block of memory, and Node 20's end at 4 GiB.
const maxPartBytes = 2 * 1024 * mebibyte
/** The most parts that S3 takes. */
const maxParts = 10_000
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

/** @throws {CheckpointError} `CKPT_INVALID` */
export function assertPartBytes(partBytes: number | undefined): void {
  if (partBytes === undefined) return
  if (Number.isSafeInteger(partBytes) && partBytes >= minPartBytes && partBytes <= maxPartBytes) return
  const message = `partBytes is ${partBytes}; S3 takes parts from ${minPartBytes} (5 MiB) to ${maxPartBytes} (2 GiB) bytes.`
  throw new CheckpointError("CKPT_INVALID", message)
}

/**
 * Bytes of part `index`. Without a wish: 8 MiB, or more where the size is known and needs it; of unknown size, doubled
 * every 1,000 parts up to 2 GiB, so that 10,000 of them hold 5 TiB.
 */
export function partSize(index: number, size: number | undefined, wish: number | undefined): number {
  if (wish !== undefined) return wish
  if (size !== undefined) return Math.max(8 * mebibyte, Math.ceil(size / maxParts / mebibyte) * mebibyte)
  return 8 * mebibyte * 2 ** Math.min(8, Math.floor(index / 1000))
}

interface Upload {
  readonly id: string
  /** A multipart object's time is that of its beginning. */
  readonly begun: Date | undefined
}

async function beginUpload({ client, bucket }: Place, key: string, signal?: AbortSignal): Promise<Upload> {
  // Said beforehand: S3 refuses parts with a checksum of another kind than the upload was begun with.
  const checksums = (await client.config.requestChecksumCalculation()) === "WHEN_SUPPORTED"
  const command = new CreateMultipartUploadCommand({
    Bucket: bucket,
    Key: key,
    ...(checksums ? { ChecksumAlgorithm: "CRC32" } : {}),
  })
  const { output, date } = await request(client, command, { operation: "CreateMultipartUpload", bucket, key }, signal)
  if (output.UploadId === undefined) throw unreadable("CreateMultipartUpload", key)
  return { id: output.UploadId, begun: date }
}

async function sendPart(
  { client, bucket }: Place,
  key: string,
  upload: Upload,
  { index, bytes }: UploadPart,
  signal: AbortSignal,
): Promise<CompletedPart> {
  if (index >= maxParts) {
    throw new BackendError("permanent", `${key} needs more than ${maxParts} parts: give a larger partBytes`)
  }
  const PartNumber = index + 1
  const command = new UploadPartCommand({
    ...{ Bucket: bucket, Key: key, UploadId: upload.id, PartNumber },
    ...{ Body: bytes, ContentLength: bytes.length },
  })
  const { output } = await request(client, command, { operation: "UploadPart", bucket, key }, signal)
  if (output.ETag === undefined) throw unreadable("UploadPart", key)
  // S3 wants the checksums again at the end; a storage without checksums gives none.
  const { ETag, ChecksumCRC32 } = output
  return { PartNumber, ETag, ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }) }
}

async function completeUpload(
  { client, bucket }: Place,
  key: string,
  upload: Upload,
  parts: readonly CompletedPart[],
  when: PutOptions["when"],
  signal: AbortSignal,
): Promise<string> {
  const command = new CompleteMultipartUploadCommand({
    ...{ Bucket: bucket, Key: key, UploadId: upload.id, MultipartUpload: { Parts: [...parts] } },
    ...conditions(when),
  })
  const what = { operation: "CompleteMultipartUpload", bucket, key } as const
  const { output } = await request(client, command, what, signal)
  if (output.ETag === undefined) throw unreadable("CompleteMultipartUpload", key)
  return output.ETag
}

/** Gives an upload up; one that is gone is a success. */
export async function abandonUpload(
  { client, bucket }: Place,
  key: string,
  uploadId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId })
  try {
    await request(client, command, { operation: "AbortMultipartUpload", bucket, key }, signal)
  } catch (error) {
    if (!(error instanceof BackendError && codeOf(error.cause) === "NoSuchUpload")) throw error
  }
}

function conditions(when: PutOptions["when"]): { IfNoneMatch?: string; IfMatch?: string } {
  if (when === undefined) return {}
  return when === "absent" ? { IfNoneMatch: "*" } : { IfMatch: when.version }
}
