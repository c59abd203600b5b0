import type { CheckpointSummary, ValidationIssue } from "@ckpt/core"
import { stateBytes } from "../looking/rows.js"
import type { Finding } from "./verifying.js"

/** A checkpoint as a look saw it. */
export interface Seen extends CheckpointSummary {
  /**
   * When it was taken, by the writer's clock: milliseconds since 1970. For a manifest that cannot be read: when it was stored, not
   * before the checkpoint below it and not after the one above.
   */
  readonly time: number
}

/** Ascending by id. */
export function seen(checkpoints: readonly CheckpointSummary[]): Seen[] {
  const all = checkpoints.map((one) => ({ ...one, time: one.timestampMs || one.lastModified.getTime() }))
  let below = Number.NEGATIVE_INFINITY
  const above = timesAbove(all)
  for (const [at, one] of all.entries()) {
    if (!one.timestampMs) one.time = between(one.time, below, above[at] ?? Number.POSITIVE_INFINITY)
    below = one.time
  }
  return all
}

/** For each checkpoint: when the next one above it was taken that says so. */
function timesAbove(all: readonly Seen[]): number[] {
  const times: number[] = []
  let above = Number.POSITIVE_INFINITY
  for (let at = all.length - 1; at >= 0; at--) {
    times[at] = above
    if (all[at]?.timestampMs) above = all[at]?.time ?? above
  }
  return times
}

/** A copy is stored long after the original was taken: then the middle is nearer to the truth. */
function between(time: number, below: number, above: number): number {
  if (time >= below && time <= above) return time
  if (below > above || !Number.isFinite(below)) return Math.min(time, above)
  return Number.isFinite(above) ? (below + above) / 2 : Math.max(time, below)
}

/**
 * - `damaged`: it cannot be used: by its manifest, by the size of its state, or by a reading of every byte.
 * - `valid`: every byte of it was read, and is right.
 * - `unverified`: manifest and size are right. The bytes of its state were not read since this page is served.
 */
export type Status = "valid" | "damaged" | "unverified"

export function statusOf(checkpoint: CheckpointSummary, finding: Finding | undefined): Status {
  if (!checkpoint.valid || finding?.valid === false) return "damaged"
  // A state inside the manifest was read with it.
  return finding !== undefined || !checkpoint.stateSize ? "valid" : "unverified"
}

/** The issues of both: what the listing found, and what a reading of every byte found beside it. */
export function issuesOf(checkpoint: CheckpointSummary, finding: Finding | undefined): readonly ValidationIssue[] {
  const known = new Set(checkpoint.issues.map(({ code, message }) => `${code} ${message}`))
  return [
    ...checkpoint.issues,
    ...(finding?.issues ?? []).filter(({ code, message }) => !known.has(`${code} ${message}`)),
  ]
}

/** Bytes of all operators, or of the state; 0 if the manifest cannot be read. */
export function bytesOf(checkpoint: CheckpointSummary): number {
  return stateBytes(checkpoint) ?? 0
}
