import { BackendError, type GetOptions, type ObjectContent, type ObjectMeta } from "@ckpt/core"
import { contentBody } from "@ckpt/core/adapter"
import { type Bucket, isCount, isSuccess, refusalOf, refused } from "./bucket.js"
import { headerChecksum, newChecksum } from "./checksum.js"
import { isBucketMissing, networkError } from "./errors.js"
import type { GcsResponse } from "./transport.js"

/** Opens an object; `describe` asks for its meta alone. */
export async function download(
  bucket: Bucket,
  key: string,
  { range, ifVersion, signal }: GetOptions,
  describe: () => Promise<ObjectMeta | undefined>,
): Promise<ObjectContent | undefined> {
  if (range?.length === 0) return nothing(key, range.offset, await describe())
  const attempted = bucket.attempted("storage.objects.get", key)
  const isRange = range !== undefined && (range.offset > 0 || range.length !== undefined)
  const response = await bucket.open(attempted, {
    method: "GET",
    // Not `generation`: of one that was replaced it says 404, as if nothing were there.
    url: bucket.objectUrl(key, { alt: "media", ifGenerationMatch: ifVersion }),
    headers: {
      // What was stored compressed is then sent as it is stored, and a range is one of what is stored.
      "accept-encoding": "gzip",
      ...(isRange ? { range: rangeHeader(range) } : {}),
    },
    signal,
  })
  if (!isSuccess(response)) {
    const answer = await bucket.read(attempted, response, signal)
    // No byte lies in the range: it starts at the end, or past it.
    if (answer.status === 416) return nothing(key, range?.offset ?? 0, await describe())
    if (answer.status === 404 && !isBucketMissing(refusalOf(answer))) return undefined
    throw refused(attempted, answer)
  }
  const opened = await openedMeta(key, response, isRange ? range.offset : undefined, describe).catch((error) => {
    response.body.destroy()
    throw error
  })
  const { meta, length } = opened
  const body = contentBody(response.body, { key, length, signal, toError: (error) => networkError(attempted, error) })
  return { meta, body: isRange ? body : verified(bucket, key, body, response.headers) }
}

function rangeHeader({ offset, length }: NonNullable<GetOptions["range"]>): string {
  return `bytes=${offset}-${length === undefined ? "" : offset + length - 1}`
}

function nothing(key: string, offset: number, meta: ObjectMeta | undefined): ObjectContent | undefined {
  if (meta === undefined) return undefined
  if (offset > meta.size) throw new BackendError("precondition", `${key} has ${meta.size} bytes, none at ${offset}`)
  return { meta, body: none() }
}

async function* none(): AsyncGenerator<Uint8Array> {}

/** The meta of the whole object, and how many bytes the answer must have. */
async function openedMeta(
  key: string,
  { status, headers }: GcsResponse,
  offset: number | undefined,
  describe: () => Promise<ObjectMeta | undefined>,
): Promise<{ meta: ObjectMeta; length: number }> {
  const generation = headers.get("x-goog-generation")
  const stored = headers.get("x-goog-stored-content-length")
  const [, start, end, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get("content-range") ?? "") ?? []
  const isWhole = offset === undefined && status === 200
  const isPart = offset !== undefined && status === 206 && Number(start) === offset
  const size = isPart ? total : (stored ?? headers.get("content-length"))
  if (!isCount(generation) || !isCount(size) || !(isWhole || isPart)) {
    const wanted = offset === undefined ? "the whole object" : `the bytes from ${offset}`
    throw new BackendError(
      "transient",
      `the answer for ${key} has status ${status} and headers that are not of ${wanted}`,
    )
  }
  const modified = headers.get("last-modified")
  const lastModified = modified === null ? (await describe())?.lastModified : new Date(modified)
  if (lastModified === undefined) throw new BackendError("transient", `${key} was removed while it was opened`)
  const meta = { key, size: Number(size), version: generation, lastModified }
  return { meta, length: isPart ? Number(end) - offset + 1 : meta.size }
}

/** The last chunk is handed over only when all bytes have the checksum that the service has for them. */
function verified(
  bucket: Bucket,
  key: string,
  body: AsyncIterable<Uint8Array>,
  headers: Headers,
): AsyncIterable<Uint8Array> {
  const source = body[Symbol.asyncIterator]()
  const chunks = verifiedChunks(bucket, key, source, headers)
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => chunks.next(),
      async return() {
        // A generator that was never started would not pass it on.
        await source.return?.()
        return chunks.return()
      },
    }),
  }
}

async function* verifiedChunks(
  bucket: Bucket,
  key: string,
  source: AsyncIterator<Uint8Array>,
  headers: Headers,
): AsyncGenerator<Uint8Array, void, void> {
  const checksum = newChecksum(bucket.client)
  const expected = headerChecksum(headers.get("x-goog-hash"), checksum.name)
  let held: Uint8Array | undefined
  for (let step = await source.next(); !step.done; step = await source.next()) {
    checksum.update(step.value)
    if (held !== undefined) yield held
    held = step.value
  }
  if (expected !== undefined && checksum.value() !== expected) {
    const message = `the bytes of ${key} do not have the ${checksum.name} that they were stored with`
    throw new BackendError("transient", message)
  }
  if (held !== undefined) yield held
}
