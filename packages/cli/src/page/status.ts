import type { CheckpointSummary, ValidationIssue } from "@ckpt/core"
import { stateBytes } from "../looking/rows.js"
import type { Finding } from "./verifying.js"

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
  return [...checkpoint.issues, ...(finding?.issues ?? []).filter(({ code, message }) => !known.has(`${code} ${message}`))]
}

/** When it was taken, by the writer's clock; without that, when it was stored. Milliseconds since 1970. */
export function timeOf({ timestampMs, lastModified }: CheckpointSummary): number {
  return timestampMs || lastModified.getTime()
}

/** Bytes of all operators, or of the state; 0 if the manifest cannot be read. */
export function bytesOf(checkpoint: CheckpointSummary): number {
  return stateBytes(checkpoint) ?? 0
}
