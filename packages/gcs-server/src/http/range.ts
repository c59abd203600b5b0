/** Bytes of a content, `end` exclusive. */
export interface ByteSpan {
  readonly start: number
  readonly end: number
}

/**
 * The range of a `Range` header. `undefined` without a header, and for a header to be ignored (another unit, several
 * ranges, not understood). `"unsatisfiable"` if none of the `size` bytes lies in the range.
 */
export function readRange(header: string | undefined, size: number): ByteSpan | "unsatisfiable" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec((header ?? "").trim())
  if (match === null) return undefined
  const [, first = "", last = ""] = match
  if (first === "" && last === "") return undefined
  if (first === "") {
    const length = Math.min(Number(last), size)
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size }
  }
  const start = Number(first)
  if (last !== "" && Number(last) < start) return undefined
  return start >= size ? "unsatisfiable" : { start, end: last === "" ? size : Math.min(size, Number(last) + 1) }
}
