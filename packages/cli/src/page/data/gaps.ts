// For the server and for the browser's script: it imports nothing.

/** A time without a checkpoint is a gap if it is so many times as long as usual. */
export const gapFactor = 3

/** The usual value; undefined without any. */
export function median(values: readonly number[]): number | undefined {
  const sorted = Float64Array.from(values).sort()
  return sorted[sorted.length >> 1]
}
