import { ServiceError } from "../errors.js"

/**
 * The `Content-Range` of a PUT to a resumable session. `total` and `last` are absent where the header has `*`.
 * `bytes 0--1/0`, which the Node.js client sends for a chunked upload of nothing, is `{ first: 0, last: -1, total: 0 }`.
 */
export type ContentRange =
  | { readonly kind: "status"; readonly total?: number }
  | { readonly kind: "bytes"; readonly first: number; readonly last?: number; readonly total?: number }

/** @throws {ServiceError} 400. No header at all means that the request carries the whole object. */
export function parseContentRange(header: string | undefined): ContentRange {
  if (header === undefined) return { kind: "bytes", first: 0 }
  const match = /^bytes (?:\*|(\d{1,15})-(-1|\d{1,15}|\*))\/(\d{1,15}|\*)$/.exec(header.trim())
  if (match === null) throw unparsable()
  const [, first, last, total] = match
  const known = total === "*" ? {} : { total: Number(total) }
  if (first === undefined) return { kind: "status", ...known }
  const range = { kind: "bytes", first: Number(first), ...known } as const
  if (last === "*") return range
  const end = Number(last) + 1
  if (end < range.first || (known.total !== undefined && end > known.total)) throw unparsable()
  return { ...range, last: end - 1 }
}

const unparsable = () => new ServiceError(400, "badRequest", "Failed to parse Content-Range header.")
