import { randomUUID } from "node:crypto"
import { BackendError, type ObjectMeta, type PutOptions, type UploadInParts, type UploadPart } from "@ckpt/core"
import type { Kind } from "@ckpt/core/adapter"
import { type Checksum, newChecksum } from "./checksum.js"
import { type Attempted, describe, isDamagedUpload, refusalError } from "./errors.js"
import {
  type Answer,
  assertGeneration,
  type Bucket,
  isSuccess,
  metaOf,
  type ObjectResource,
  parse,
  refusalOf,
  refused,
} from "./requests.js"

const contentType = "application/octet-stream"

// https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload
const quantum = 256 * 1024

export const aChunkSize: Kind = {
  fits: (value) => typeof value === "number" && value >= quantum && value % quantum === 0 && value <= 2 ** 31,
  give: "a multiple of 262144 (256 KiB), up to 2 GiB",
}

/** An upload session, and how far it has come. */
interface Session {
  readonly attempted: Attempted
  readonly url: string
  readonly checksum: Checksum
  /** Number of parts that are in the checksum. */
  hashed: number
  /** Bytes that the service has confirmed. */
  kept: number
  /** A request did not end: the service must be asked how many bytes it has. */
  unsure: boolean
}

/** One request, with the object's metadata and checksum before its bytes. */
export async function putObject(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  options: PutOptions,
): Promise<ObjectMeta> {
  const attempted = bucket.attempted("storage.objects.create", key)
  const checksum = newChecksum(bucket.client)
  checksum.update(bytes)
  const metadata = { name: key, contentType, [checksum.field]: checksum.value() }
  const boundary = `ckpt-${randomUUID()}`
  const answer = await bucket.ask(attempted, {
    method: "POST",
    // The name is in the metadata too. Here logs and proxies see it.
    url: bucket.uploadUrl({ uploadType: "multipart", name: key, ...conditionOf(key, options.when) }),
    headers: { "content-type": `multipart/related; boundary=${boundary}` },
    body: multipartRelated(boundary, metadata, bytes),
    signal: options.signal,
  })
  return created(attempted, answer, checksum, bytes.length)
}

/**
 * A session of chunks in order (https://cloud.google.com/storage/docs/performing-resumable-uploads). The condition is part
 * of the request that begins it, and is checked when the object appears, with the last chunk.
 */
export function uploadInParts(bucket: Bucket, chunkBytes: number): UploadInParts<Session, ObjectMeta | undefined> {
  return {
    partBytes: () => chunkBytes,
    concurrency: 1,
    begin: (key, options) => beginSession(bucket, key, options),
    part: (session, part, { signal }) => sendPart(bucket, session, part, signal),

    async complete({ attempted }, parts, { signal }) {
      signal?.throwIfAborted()
      // The last chunk made the object appear.
      const meta = parts.at(-1)
      if (meta === undefined) throw new BackendError("ambiguous", `${describe(attempted)}: its session did not end`)
      return meta
    },

    async abandon({ attempted, url }, { signal }) {
      // A session that is not cancelled expires, and is not billed.
      await bucket.ask(attempted, { method: "DELETE", url, signal })
    },
  }
}

async function beginSession(bucket: Bucket, key: string, { when, signal }: PutOptions): Promise<Session> {
  const attempted = bucket.attempted("storage.objects.create", key)
  const url = bucket.uploadUrl({ uploadType: "resumable", name: key, ...conditionOf(key, when) })
  const headers = { "content-type": "application/json", "x-upload-content-type": contentType }
  const answer = await bucket.ask(attempted, { method: "POST", url, headers, body: Buffer.from("{}"), signal })
  if (!isSuccess(answer)) throw refused(attempted, answer)
  const location = answer.headers.get("location")
  // No object exists before the session's last chunk, so asking for another session is safe.
  if (location === null) throw new BackendError("transient", `${describe(attempted)}: no session in the answer`)
  const checksum = newChecksum(bucket.client)
  return { attempted, url: new URL(location, url).href, checksum, hashed: 0, kept: 0, unsure: false }
}

/** Generation 0 is "nothing is there". */
function conditionOf(key: string, when: PutOptions["when"]): { ifGenerationMatch?: string } {
  if (when === undefined) return {}
  if (when === "absent") return { ifGenerationMatch: "0" }
  assertGeneration(key, when.version)
  return { ifGenerationMatch: when.version }
}

async function sendPart(
  bucket: Bucket,
  session: Session,
  { index, offset, bytes, last }: UploadPart,
  signal: AbortSignal | undefined,
): Promise<ObjectMeta | undefined> {
  const { attempted } = session
  // A part may come again, for a retry. Its bytes are hashed once.
  if (session.hashed === index) {
    session.checksum.update(bytes)
    session.hashed++
  }
  const end = offset + bytes.length
  const send = async (from: number | undefined) => {
    const rest = bytes.subarray((from ?? end) - offset)
    const headers = { "content-type": contentType, "content-range": contentRange(from, end, last) }
    const hash =
      last && from !== undefined ? { "x-goog-hash": `${session.checksum.name}=${session.checksum.value()}` } : {}
    const body = Buffer.from(rest.buffer, rest.byteOffset, rest.length)
    return bucket.ask(attempted, { method: "PUT", url: session.url, headers: { ...headers, ...hash }, body, signal })
  }
  let answer = session.unsure ? await send(undefined) : undefined
  session.unsure = true
  for (let sent = -1; ; ) {
    if (answer !== undefined) {
      if (answer.status !== 308) return finished(attempted, answer, session.checksum, last ? end : undefined)
      session.kept = keptBytes(answer)
    }
    const { kept } = session
    if (kept < offset || kept > end) throw lost(attempted, `the session has ${kept} bytes, not ${offset} to ${end}`)
    if (kept === end && !last) break
    if (kept === sent) throw new BackendError("transient", `${describe(attempted)}: the session took none of a chunk`)
    sent = kept
    answer = await send(kept)
  }
  session.unsure = false
  return undefined
}

/**
 * The range of a chunk, up to `end`. Without `from` it asks which bytes the session has. Where the session has all
 * bytes, the total alone finishes the object.
 */
function contentRange(from: number | undefined, end: number, last: boolean): string {
  if (from === undefined) return "bytes */*"
  return from === end ? `bytes */${end}` : `bytes ${from}-${end - 1}/${last ? end : "*"}`
}

/** How many bytes the session has; none if the answer has no `range` header. */
function keptBytes({ headers }: Answer): number {
  const [, lastByte] = /^bytes=0-(\d+)$/.exec(headers.get("range") ?? "") ?? []
  return lastByte === undefined ? 0 : Number(lastByte) + 1
}

function finished(attempted: Attempted, answer: Answer, checksum: Checksum, size: number | undefined): ObjectMeta {
  if (isSuccess(answer)) {
    if (size !== undefined) return created(attempted, answer, checksum, size)
    throw new BackendError("ambiguous", `${describe(attempted)}: the session ended before its last chunk`)
  }
  const refusal = refusalOf(answer)
  // The session is over for good. Whether an earlier request finished it, core finds out by reading back.
  if ([404, 410].includes(answer.status) || isDamagedUpload(refusal)) throw lost(attempted, refusal.message)
  throw refusalError(attempted, refusal)
}

function lost(attempted: Attempted, why: string): BackendError {
  return new BackendError("precondition", `${describe(attempted)}: the upload session is lost (${why})`)
}

/**
 * The meta of the object that was created. The service has verified the bytes that it received. Its answer also has the
 * checksum of the bytes that it stored, and comparing that costs nothing.
 */
function created(attempted: Attempted, answer: Answer, checksum: Checksum, size: number): ObjectMeta {
  if (!isSuccess(answer)) throw refused(attempted, answer)
  const resource = parse<Partial<ObjectResource>>(attempted, answer)
  const meta = metaOf(attempted, resource)
  const stored = resource[checksum.field]
  const isOurs = meta.key === attempted.key && meta.size === size
  if (isOurs && (stored === undefined || stored === checksum.value())) return meta
  // Not a success; and there is nothing to clean up. Core reads back which object is there.
  const seen = `${meta.size} bytes as ${meta.key} with ${checksum.name} ${stored}`
  throw new BackendError("ambiguous", `${describe(attempted)} stored ${seen}, not ${size} with ${checksum.value()}`)
}

/** The body of RFC 2387: the metadata, then the bytes. */
function multipartRelated(boundary: string, metadata: object, bytes: Uint8Array): Buffer {
  const first = `--${boundary}\r\ncontent-type: application/json; charset=utf-8\r\n\r\n${JSON.stringify(metadata)}\r\n`
  const head = `${first}--${boundary}\r\ncontent-type: ${contentType}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)])
}
