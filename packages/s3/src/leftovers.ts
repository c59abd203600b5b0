import { BackendError, type Leftover, type LeftoverOptions } from "@ckpt/core"
import { allPages } from "@ckpt/core/adapter"
import { codeOf } from "./errors.js"
import { type Place, request } from "./requests.js"
import type { Sdk } from "./sdk.js"
import { abandonUpload } from "./upload.js"

/**
 * Finds unfinished uploads to which nothing has happened for `olderThanMs` by the storage's clock, and gives them up unless
 * `dryRun`. An upload that began long ago may be under way, so the time of its last part counts.
 */
export async function collectUploads(place: Place, options: LeftoverOptions): Promise<Leftover[]> {
  const { olderThanMs, prefix, mayGo = () => true, dryRun = false, signal } = options
  const { client, bucket } = place
  const found: Leftover[] = []
  let now: number | undefined
  const pages = allPages(async (token) => {
    const [KeyMarker, UploadIdMarker] = token === undefined ? [] : (JSON.parse(token) as [string, string])
    const command = (sdk: Sdk) =>
      new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, KeyMarker, UploadIdMarker })
    const what = { operation: "ListMultipartUploads", bucket } as const
    const { output, date } = await request(client, command, what, signal)
    const { Uploads = [], IsTruncated, NextKeyMarker = "", NextUploadIdMarker = "" } = output
    if (IsTruncated === undefined || date === undefined) {
      throw new BackendError("transient", `the list of uploads in bucket ${bucket} was cut, or came without a date`)
    }
    now ??= date.getTime()
    return { items: Uploads, next: IsTruncated ? JSON.stringify([NextKeyMarker, NextUploadIdMarker]) : undefined }
  })
  for await (const { Key, UploadId, Initiated } of pages) {
    if (Key === undefined || UploadId === undefined || Initiated === undefined || now === undefined) continue
    const clock = now
    // In whole seconds, like the storage's clock.
    const isIdle = (since: Date) => clock - Math.floor(since.getTime() / 1000) * 1000 >= olderThanMs
    // Other programs may share the bucket, even the folder. The parts of most uploads need not be looked at.
    if (!isIdle(Initiated) || !mayGo(Key, Initiated)) continue
    const name = `${Key} (upload ${UploadId})`
    try {
      const since = await lastSign(place, Key, UploadId, Initiated, signal)
      if (since === undefined || !isIdle(since) || !mayGo(Key, since)) continue
      if (!dryRun) await abandonUpload(place, Key, UploadId, signal)
      found.push({ name, since })
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      found.push({ name, since: Initiated, error })
    }
  }
  return found
}

/** When the last part of an upload arrived; `begun` if none has; `undefined` if the upload has ended. */
async function lastSign(
  { client, bucket }: Place,
  key: string,
  uploadId: string,
  begun: Date,
  signal: AbortSignal | undefined,
): Promise<Date | undefined> {
  const parts = allPages(async (PartNumberMarker) => {
    const command = (sdk: Sdk) =>
      new sdk.ListPartsCommand({ Bucket: bucket, Key: key, UploadId: uploadId, PartNumberMarker })
    const { output } = await request(client, command, { operation: "ListParts", bucket, key }, signal)
    const { Parts = [], IsTruncated, NextPartNumberMarker } = output
    if (IsTruncated === undefined || (IsTruncated && !NextPartNumberMarker)) {
      throw new BackendError("transient", `the list of the parts of ${key} in bucket ${bucket} was cut`)
    }
    return { items: Parts, next: IsTruncated ? NextPartNumberMarker : undefined }
  })
  let last = begun
  try {
    for await (const { LastModified } of parts) {
      if (LastModified !== undefined && LastModified > last) last = LastModified
    }
  } catch (error) {
    if (error instanceof BackendError && codeOf(error.cause) === "NoSuchUpload") return undefined
    throw error
  }
  return last
}
