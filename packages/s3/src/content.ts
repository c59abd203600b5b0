import type { GetObjectCommandOutput } from "@aws-sdk/client-s3"
import { BackendError, type GetOptions, type ObjectContent, type ObjectMeta } from "@ckpt/core"

export function rangeHeader(range: GetOptions["range"]): string | undefined {
  if (range === undefined) return undefined
  const { offset, length } = range
  return `bytes=${offset}-${length === undefined ? "" : offset + length - 1}`
}

/**
 * The size of the object and the number of bytes that follow, after a look at whether that is what was asked for: a
 * storage, or a proxy before it, may ignore a range or a version.
 */
export function checkedRange(
  key: string,
  { ContentLength, ContentRange, ETag }: GetObjectCommandOutput,
  { range, ifVersion }: GetOptions,
): { size: number; length: number } {
  if (ContentLength === undefined || ETag === undefined) {
    throw new BackendError("transient", `the answer for ${key} has no length or no etag`)
  }
  if (ifVersion !== undefined && ETag !== ifVersion) {
    throw new BackendError("precondition", `${key} has version ${ETag}, not ${ifVersion}`)
  }
  if (range === undefined) return { size: ContentLength, length: ContentLength }
  const [start, end, size] = (/^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange ?? "") ?? []).slice(1).map(Number)
  const { offset, length = Number.POSITIVE_INFINITY } = range
  if (start !== offset || end === undefined || size === undefined || end !== Math.min(offset + length, size) - 1) {
    const seen = ContentRange ?? "no range"
    throw new BackendError("transient", `${rangeHeader(range)} of ${key} was answered with ${seen}`)
  }
  return { size, length: end - start + 1 }
}

/** No bytes at `offset` of an object. */
export function emptyContent(meta: ObjectMeta, offset: number, { range, ifVersion }: GetOptions): ObjectContent {
  const { key, size, version } = meta
  if (ifVersion !== undefined && ifVersion !== version) {
    throw new BackendError("precondition", `${key} has version ${version}, not ${ifVersion}`)
  }
  if (offset > size) throw new BackendError("precondition", `${key} has ${size} bytes, none at ${offset}`)
  // There are bytes now: it was replaced between the two requests.
  if (offset < size && range?.length !== 0) throw new BackendError("transient", `${key} changed while it was opened`)
  return { meta, body: nothing() }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}
