// A delay sketch is a plain histogram with fixed buckets, kept as [flights, sum of delays, one count per bucket] in a
// Float64Array. Fixed buckets make it mergeable by adding element by element, in any order, with the same result, and
// integer arithmetic alone decides a flight's bucket, so equal input is equal bytes on every machine.
//
// Buckets, in minutes: one for each minute from 128 early (and earlier) to 127 late; above that 64 for each power of
// two, up to 4,095 late (and later). A quantile read from it is exact up to 127 minutes and within 1/128 above.

const EARLIEST = -128
const LATEST = 4095
const EXACT = 128
const POWER_BITS = 6
const PER_POWER = 1 << POWER_BITS
const HEADER = 2
const BUCKETS = bucketOf(LATEST) + 1

/** Numbers in one sketch. */
export const SKETCH_LENGTH = HEADER + BUCKETS

export interface DelaySummary {
  flights: number
  /** Minutes, to two decimals. */
  meanDelay: number
  p50: number
  p90: number
  p99: number
}

/** Counts one delay, in whole minutes; negative is early. */
export function addDelay(sketch: Float64Array, minutes: number): void {
  if (!Number.isInteger(minutes)) throw new RangeError(`a delay is a whole number of minutes, not ${minutes}`)
  const bucket = HEADER + bucketOf(Math.min(Math.max(minutes, EARLIEST), LATEST))
  sketch[0] = (sketch[0] ?? 0) + 1
  sketch[1] = (sketch[1] ?? 0) + minutes
  sketch[bucket] = (sketch[bucket] ?? 0) + 1
}

export function mergeInto(target: Float64Array, other: Float64Array): void {
  for (let i = 0; i < SKETCH_LENGTH; i++) target[i] = (target[i] ?? 0) + (other[i] ?? 0)
}

/** `undefined` without flights. */
export function summarize(sketch: Float64Array): DelaySummary | undefined {
  const [flights = 0, sum = 0] = sketch
  if (flights === 0) return undefined
  const meanDelay = Math.round((sum / flights) * 100) / 100
  return { flights, meanDelay, p50: quantile(sketch, 50), p90: quantile(sketch, 90), p99: quantile(sketch, 99) }
}

/** The delay that `percent` of the flights do not exceed (nearest rank). */
function quantile(sketch: Float64Array, percent: number): number {
  const rank = Math.max(1, Math.ceil(((sketch[0] ?? 0) * percent) / 100))
  let seen = 0
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    seen += sketch[HEADER + bucket] ?? 0
    if (seen >= rank) return middleOf(bucket)
  }
  throw new RangeError("the sketch counts more flights than its buckets hold")
}

function bucketOf(minutes: number): number {
  if (minutes < EXACT) return minutes - EARLIEST
  // Drop as many low bits as leave 64 to 127.
  const dropped = 31 - Math.clz32(minutes) - POWER_BITS
  return -EARLIEST + PER_POWER * dropped + (minutes >> dropped)
}

function middleOf(bucket: number): number {
  const minutes = bucket + EARLIEST
  if (minutes < EXACT) return minutes
  const dropped = (minutes >> POWER_BITS) - 1
  return ((minutes - PER_POWER * dropped) << dropped) + (((1 << dropped) - 1) >> 1)
}
