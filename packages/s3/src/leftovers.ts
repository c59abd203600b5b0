import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3"
import { BackendError, type Leftover } from "@ckpt/core"
import { allPages } from "@ckpt/core/adapter"
import { type Place, request } from "./requests.js"
import { abandonUpload } from "./upload.js"

export interface LeftoverOptions {
  readonly olderThanMs: number
  readonly prefix: string
  readonly isOurs?: ((key: string) => boolean) | undefined
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Finds unfinished uploads that are older than `olderThanMs` by the storage's clock, and gives them up unless `dryRun`.
 */
export async function collectUploads(place: Place, options: LeftoverOptions): Promise<Leftover[]> {
  const { olderThanMs, prefix, dryRun = false, signal } = options
  const { client, bucket } = place
  const found: Leftover[] = []
  let now: number | undefined
  const pages = allPages(async (token) => {
    const [KeyMarker, UploadIdMarker] = token === undefined ? [] : (JSON.parse(token) as [string, string])
    const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, KeyMarker, UploadIdMarker })
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
    // Other programs may share the bucket, even the folder.
    if (options.isOurs?.(Key) === false) continue
    // In whole seconds, like the storage's clock.
    const begunMs = Math.floor(Initiated.getTime() / 1000) * 1000
    if (now - begunMs < olderThanMs) continue
    const leftover = { name: `${Key} (upload ${UploadId})`, since: Initiated }
    try {
      if (!dryRun) await abandonUpload(place, Key, UploadId, signal)
      found.push(leftover)
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      found.push({ ...leftover, error })
    }
  }
  return found
}
