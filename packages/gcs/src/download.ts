import { BackendError, type GetOptions, type ObjectContent, type ObjectMeta } from "@ckpt/core"
import { answeredRange, contentBody, emptyContent, rangeHeader, verifiedBody } from "@ckpt/core/adapter"
import { headerChecksum, newChecksum } from "./checksum.js"
import { isObjectMissing, networkError } from "./errors.js"
import { type Bucket, isCount, isSuccess, refusalOf, refused } from "./requests.js"
import type { GcsResponse } from "./transport.js"

/** A longer object is a state, whose SHA-256 is in its manifest. A second checksum of it would take as long as everything else. */
const longestChecked = 16 * 1024 * 1024

/** Opens an object; `describe` asks for its meta alone. */
export async function download(
  bucket: Bucket,
  key: string,
  { range, ifVersion, signal }: GetOptions,
  describe: () => Promise<ObjectMeta | undefined>,
): Promise<ObjectContent | undefined> {
  // HTTP cannot ask for an empty range.
  if (range?.length === 0) return emptyContent(await describe(), { range })
  const attempted = bucket.attempted("storage.objects.get", key)
  const isRange = range !== undefined && (range.offset > 0 || range.length !== undefined)
  const response = await bucket.open(attempted, {
    method: "GET",
    // Not `generation`: for a generation that was replaced the service answers 404, as if the object were absent.
    url: bucket.objectUrl(key, { alt: "media", ifGenerationMatch: ifVersion }),
    headers: {
      // A compressed object is then sent as it is stored, and a range counts the stored bytes.
      "accept-encoding": "gzip",
      ...(isRange ? { range: rangeHeader(range) ?? "" } : {}),
    },
    signal,
  })
  if (!isSuccess(response)) {
    const answer = await bucket.read(attempted, response, signal)
    // The range starts at the end of the object, or past it.
    if (answer.status === 416) return emptyContent(await describe(), { range })
    if (isObjectMissing(refusalOf(answer))) return undefined
    throw refused(attempted, answer)
  }
  const opened = await openedMeta(key, response, isRange ? range : undefined, describe).catch((error) => {
    response.body.destroy()
    throw error
  })
  const { meta, length } = opened
  const body = contentBody(response.body, { key, length, signal, toError: (error) => networkError(attempted, error) })
  const checksum = newChecksum(bucket.client)
  const expected =
    isRange || length > longestChecked ? undefined : headerChecksum(response.headers.get("x-goog-hash"), checksum.name)
  return { meta, body: expected === undefined ? body : verifiedBody(key, body, checksum, expected) }
}

/** The meta of the whole object, and how many bytes the answer must have. */
async function openedMeta(
  key: string,
  { status, headers }: GcsResponse,
  range: GetOptions["range"],
  describe: () => Promise<ObjectMeta | undefined>,
): Promise<{ meta: ObjectMeta; length: number }> {
  const encoding = headers.get("content-encoding") ?? "identity"
  if (encoding !== (headers.get("x-goog-stored-content-encoding") ?? "identity")) {
    throw new BackendError("transient", `the answer for ${key} was encoded on its way (${encoding})`)
  }
  const generation = headers.get("x-goog-generation")
  const stored = headers.get("x-goog-stored-content-length")
  const part = range === undefined ? undefined : answeredRange(key, headers.get("content-range"), range)
  const size = part?.size ?? Number(stored ?? headers.get("content-length") ?? Number.NaN)
  if (!isCount(generation) || !Number.isSafeInteger(size) || status !== (part === undefined ? 200 : 206)) {
    throw new BackendError("transient", `the answer for ${key} has status ${status} and headers that do not fit it`)
  }
  const modified = headers.get("last-modified")
  const lastModified = modified === null ? (await describe())?.lastModified : new Date(modified)
  if (lastModified === undefined) throw new BackendError("transient", `${key} was removed while it was opened`)
  return { meta: { key, size, version: generation, lastModified }, length: part?.length ?? size }
}
