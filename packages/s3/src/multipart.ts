import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3"
import { BackendError, CheckpointError, type PutOptions } from "@ckpt/core"
import type { UploadPart } from "@ckpt/core/adapter"
import { codeOf, unreadable } from "./errors.js"
import { request, type S3Requests } from "./requests.js"

const mebibyte = 1024 * 1024
const minPartBytes = 5 * mebibyte
// S3 takes 5 GiB; a part is one block of memory, and Node 20's end at 4 GiB.
const maxPartBytes = 2 * 1024 * mebibyte
/** The most parts that S3 takes. */
const maxParts = 10_000

export interface Place {
  readonly client: S3Requests
  readonly bucket: string
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

export interface Upload {
  readonly id: string
  /** A multipart object's time is that of its beginning. */
  readonly begun: Date | undefined
}

export async function beginUpload({ client, bucket }: Place, key: string, signal?: AbortSignal): Promise<Upload> {
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

export async function sendPart(
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

export async function completeUpload(
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

export function conditions(when: PutOptions["when"]): { IfNoneMatch?: string; IfMatch?: string } {
  if (when === undefined) return {}
  return when === "absent" ? { IfNoneMatch: "*" } : { IfMatch: when.version }
}
