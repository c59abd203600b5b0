import type { CheckpointManifest } from "@ckpt/core"

/** A time of a manifest, which may be any number: ISO 8601; `undefined` beyond the years that a date holds. */
export function isoOf(ms: number): string | undefined {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

// Milliseconds since 1970 of the years 2000 to 2100. A watermark is in the job's own unit, and LaminarDB's is this one.
const fromMs = 946_684_800_000n
const toMs = 4_102_444_800_000n

/** The milliseconds since 1970 that a watermark is; `undefined` if it does not look like a time. */
export function watermarkTime(watermark: bigint): number | undefined {
  return watermark < fromMs || watermark > toMs ? undefined : Number(watermark)
}

/** Milliseconds that the watermark lies behind the time of its checkpoint; `undefined` if it does not look like a time. */
export function lagOf({ watermark, timestampMs }: Pick<CheckpointManifest, "watermark" | "timestampMs">) {
  const time = watermark === null ? undefined : watermarkTime(watermark)
  return time === undefined ? undefined : timestampMs - time
}
