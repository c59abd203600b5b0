import type { Seen } from "../status.js"

/** A span of time: milliseconds since 1970, both ends in it. */
export interface Span {
  readonly from: number
  readonly to: number
}

export const always: Span = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }

/** At most so many of the checkpoints in a span, evenly taken, the last one among them; and how many there are. */
export function sampled(
  checkpoints: readonly Seen[],
  { from, to }: Span,
  most: number,
): { readonly taken: readonly Seen[]; readonly of: number } {
  const within = checkpoints.filter((one) => one.time >= from && one.time <= to)
  if (within.length <= most) return { taken: within, of: within.length }
  const step = (within.length - 1) / (most - 1)
  const taken = Array.from({ length: most }, (_, at) => within[Math.round(at * step)] as Seen)
  return { taken, of: within.length }
}
