import { type Content, slice } from "../content.js"
import { invalid } from "../errors.js"

export interface MultipartUpload {
  /** The first part: the object resource as JSON text. */
  readonly resource: string
  /** The type of the second part. */
  readonly contentType: string | undefined
  readonly media: Content
}

interface Part {
  readonly headers: string
  /** The offset of the first byte after the headers. */
  readonly start: number
}

// Room for the headers of both parts and the metadata; the service limits user metadata to 8 KiB.
const longestHead = 64 * 1024

/**
 * Splits a `multipart/related` body (RFC 2387) into its two parts. Only the head is looked at byte by byte. The media
 * is all bytes between the head and the closing boundary at the very end, and is not copied.
 * @throws {ServiceError} 400
 */
export function parseMultipartRelated(contentType: string | undefined, body: Content): MultipartUpload {
  const delimiter = `--${boundaryOf(contentType)}`
  const head = Buffer.concat(slice(body, 0, longestHead))
  const first = partAt(head, head.indexOf(delimiter), delimiter)
  const next = head.indexOf(`\r\n${delimiter}`, first.start)
  if (next === -1) throw malformed()
  const second = partAt(head, next + 2, delimiter)
  return {
    resource: head.toString("utf8", first.start, next),
    contentType: /^content-type:[ \t]*(.*?)[ \t]*$/im.exec(second.headers)?.[1],
    media: between(body, second.start, closingDelimiter(body, delimiter)),
  }
}

function boundaryOf(contentType: string | undefined): string {
  const match = /^multipart\/related\s*;.*?\bboundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType ?? "")
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) throw invalid("Multipart upload without a boundary in its Content-Type")
  return boundary
}

function partAt(head: Buffer, delimiterAt: number, delimiter: string): Part {
  if (delimiterAt === -1) throw malformed()
  const lineEnd = delimiterAt + delimiter.length
  if (head.toString("latin1", lineEnd, lineEnd + 2) !== "\r\n") throw malformed()
  // Searches from the line break of the delimiter on, so that a part without any header is found as well.
  const headersEnd = head.indexOf("\r\n\r\n", lineEnd)
  if (headersEnd === -1) throw malformed()
  return { headers: head.toString("latin1", lineEnd + 2, headersEnd), start: headersEnd + 4 }
}

/** Where the media ends. The last line break after the closing delimiter may be there or not. */
function closingDelimiter(body: Content, delimiter: string): number {
  const closing = `\r\n${delimiter}--`
  const tailStart = Math.max(0, body.size - closing.length - 2)
  const tail = Buffer.concat(slice(body, tailStart, body.size))
  const at = tail.lastIndexOf(closing)
  if (at === -1 || !["", "\r\n"].includes(tail.toString("latin1", at + closing.length))) throw malformed()
  return tailStart + at
}

function between(body: Content, start: number, end: number): Content {
  if (end < start) throw malformed()
  return { chunks: slice(body, start, end), size: end - start }
}

const malformed = () => invalid("Malformed multipart body.")
