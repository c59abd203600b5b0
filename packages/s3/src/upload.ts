import type { CompletedPart } from "@aws-sdk/client-s3"
import {
  BackendError,
  type ObjectMeta,
  type PutOptions,
  type RequestOptions,
  type UploadInParts,
  type UploadPart,
} from "@ckpt/core"
import { assertEtag, type Kind, strongEtag, wholeNumber } from "@ckpt/core/adapter"
import { codeOf, type FailedRequest, statusOf, unreadable } from "./errors.js"
import { leavePayloadUnsigned, type Place, request } from "./requests.js"
import type { Sdk } from "./sdk.js"

const mebibyte = 1024 * 1024
const minPartBytes = 5 * mebibyte
// S3 takes parts up to 5 GiB. A part is one block of memory, which Node 20 limits to 4 GiB.
const maxPartBytes = 2 * 1024 * mebibyte
/** The most parts that an object may have. */
const maxParts = 10_000
const partsAtOnce = 4

/** The meta of the object that is at a key now. */
export type Head = (key: string, options: RequestOptions) => Promise<ObjectMeta | undefined>

/** See `ObjectBackend.put`: one request. */
export function putObject(
  place: Place,
  key: string,
  bytes: Uint8Array,
  { when, signal }: PutOptions,
  head: Head,
): Promise<ObjectMeta> {
  return settled(key, when, head, signal, () => putWhole(place, key, bytes, when, signal))
}

/** See `ObjectBackend.parts`: a multipart upload, whose condition S3 wants at its completion. */
export function uploadInParts(
  place: Place,
  partBytes: number | undefined,
  head: Head,
): UploadInParts<Upload, CompletedPart> {
  return {
    partBytes: (index, size) => partSize(index, size, partBytes),
    concurrency: partsAtOnce,
    begin: (key, { when, signal }) => beginUpload(place, key, when, signal),
    part: (upload, part, { signal }) => sendPart(place, upload, part, signal),
    complete: (upload, parts, { size, signal }) => {
      const { key, when, begun } = upload
      return settled(key, when, head, signal, async () => {
        const version = await completeUpload(place, upload, parts, signal)
        return { key, size, version, lastModified: begun ?? new Date() }
      })
    },
    abandon: ({ key, id }, { signal }) => abandonUpload(place, key, id, signal),
  }
}

async function putWhole(
  { client, bucket, signPayload }: Place,
  key: string,
  bytes: Uint8Array,
  when: PutOptions["when"],
  signal: AbortSignal | undefined,
): Promise<ObjectMeta> {
  const body = { Body: bytes, ContentLength: bytes.length, ...conditions(key, when) }
  const what: FailedRequest = { operation: "PutObject", bucket, key, condition: conditionHeader(when) }
  const command = (sdk: Sdk) => {
    const put = new sdk.PutObjectCommand({ Bucket: bucket, Key: key, ...body })
    return signPayload ? put : leavePayloadUnsigned(put, what)
  }
  const { output, date } = await request(client, command, what, signal)
  if (output.ETag === undefined) throw unreadable("PutObject", key)
  return { key, size: bytes.length, version: strongEtag(output.ETag), lastModified: date ?? new Date() }
}

/**
 * Runs a conditional write. Stores refuse it in several ways, all of which become `precondition` or `transient` here.
 * 409: another request for the key was under way, or, in some stores, the key exists. Nothing was written, and a look at
 * the key tells whether the condition still holds. 404 under `If-Match`: the key is absent.
 */
async function settled(
  key: string,
  when: PutOptions["when"],
  head: Head,
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
    const found = await head(key, { signal })
    const holds = when === "absent" ? found === undefined : found?.version === when.version
    throw new BackendError(holds ? "transient" : "precondition", error.message, { cause })
  }
}

export const aPartSize: Kind = {
  ...wholeNumber(minPartBytes, maxPartBytes),
  give: `bytes of a part from ${minPartBytes} (5 MiB) to ${maxPartBytes} (2 GiB)`,
}

/**
 * Bytes of part `index`: the wish, if there is one. Otherwise 8 MiB, or more if a known size needs more to fit into
 * 10,000 parts. If the size is unknown, parts double after every 1,000, up to 2 GiB, so that 10,000 of them hold 5 TiB.
 */
export function partSize(index: number, size: number | undefined, wish: number | undefined): number {
  if (wish !== undefined) return wish
  if (size !== undefined) return Math.max(8 * mebibyte, Math.ceil(size / maxParts / mebibyte) * mebibyte)
  return 8 * mebibyte * 2 ** Math.min(8, Math.floor(index / 1000))
}

interface Upload {
  readonly key: string
  readonly id: string
  readonly when: PutOptions["when"]
  /** When the upload began: the `lastModified` of an object that was sent in parts. */
  readonly begun: Date | undefined
}

async function beginUpload(
  { client, bucket }: Place,
  key: string,
  when: PutOptions["when"],
  signal: AbortSignal | undefined,
): Promise<Upload> {
  // The kind of checksum is named at the beginning: S3 refuses parts with a checksum of another kind than the upload's.
  const checksums = (await client.config.requestChecksumCalculation()) === "WHEN_SUPPORTED"
  const command = (sdk: Sdk) =>
    new sdk.CreateMultipartUploadCommand({
      Bucket: bucket,
      Key: key,
      ...(checksums ? { ChecksumAlgorithm: "CRC32" } : {}),
    })
  const { output, date } = await request(client, command, { operation: "CreateMultipartUpload", bucket, key }, signal)
  if (output.UploadId === undefined) throw unreadable("CreateMultipartUpload", key)
  return { key, id: output.UploadId, when, begun: date }
}

async function sendPart(
  { client, bucket, signPayload }: Place,
  { key, id }: Upload,
  { index, bytes }: UploadPart,
  signal: AbortSignal | undefined,
): Promise<CompletedPart> {
  if (index >= maxParts) {
    throw new BackendError("permanent", `${key} needs more than ${maxParts} parts: give a larger partBytes`)
  }
  const PartNumber = index + 1
  const what: FailedRequest = { operation: "UploadPart", bucket, key }
  const command = (sdk: Sdk) => {
    const part = new sdk.UploadPartCommand({
      ...{ Bucket: bucket, Key: key, UploadId: id, PartNumber },
      ...{ Body: bytes, ContentLength: bytes.length },
    })
    return signPayload ? part : leavePayloadUnsigned(part, what)
  }
  const { output } = await request(client, command, what, signal)
  if (output.ETag === undefined) throw unreadable("UploadPart", key)
  // S3 requires the parts' checksums again at the end. A storage without checksums returns none.
  const { ETag, ChecksumCRC32 } = output
  return { PartNumber, ETag: strongEtag(ETag), ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }) }
}

async function completeUpload(
  { client, bucket }: Place,
  { key, id, when }: Upload,
  parts: readonly CompletedPart[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const upload = { UploadId: id, MultipartUpload: { Parts: [...parts] }, ...conditions(key, when) }
  const command = (sdk: Sdk) => new sdk.CompleteMultipartUploadCommand({ Bucket: bucket, Key: key, ...upload })
  const what = { operation: "CompleteMultipartUpload", bucket, key, condition: conditionHeader(when) } as const
  const { output } = await request(client, command, what, signal)
  if (output.ETag === undefined) throw unreadable("CompleteMultipartUpload", key)
  return strongEtag(output.ETag)
}

/** Gives an upload up. Succeeds if the upload is gone already. */
export async function abandonUpload(
  { client, bucket }: Place,
  key: string,
  uploadId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const command = (sdk: Sdk) => new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId })
  try {
    await request(client, command, { operation: "AbortMultipartUpload", bucket, key }, signal)
  } catch (error) {
    if (!(error instanceof BackendError && codeOf(error.cause) === "NoSuchUpload")) throw error
  }
}

function conditions(key: string, when: PutOptions["when"]): { IfNoneMatch?: string; IfMatch?: string } {
  if (when === undefined) return {}
  if (when === "absent") return { IfNoneMatch: "*" }
  assertEtag(key, when.version)
  return { IfMatch: when.version }
}

function conditionHeader(when: PutOptions["when"]): FailedRequest["condition"] {
  if (when === undefined) return undefined
  return when === "absent" ? "If-None-Match" : "If-Match"
}
