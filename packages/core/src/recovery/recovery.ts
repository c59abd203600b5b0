import type { CheckpointManifest } from "../format/manifest/model.js"
import type { ValidationIssue } from "../format/manifest/validate.js"
import type { ProgressOptions } from "../options.js"
import type { Checkpoint } from "../state/checkpoint.js"
import type { VerifyDepth } from "../verify/verified.js"

export interface Skipped {
  /** Absent where the name holds no id that a number can hold. */
  readonly id?: number
  readonly key: string
  readonly issues: readonly ValidationIssue[]
}

export interface RecoveryFacts {
  /** Newer ones that were passed over, latest first, each with its issues. */
  readonly skipped: readonly Skipped[]
  /** Checkpoints looked at, the recovered one included. */
  readonly examined: number
  /** The lowest id above everything ever seen here. */
  readonly nextId: number
  readonly elapsedMs: number
}

/**
 * - `recovered`: the latest checkpoint that verifies.
 * - `fresh`: there is no manifest and no pointer; nothing was ever saved here.
 * - `exhausted`: something was saved here, and nothing verifies. Not a fresh start.
 */
export type Recovery = RecoveryFacts &
  (
    | { readonly outcome: "recovered"; readonly checkpoint: Checkpoint }
    | { readonly outcome: "fresh" | "exhausted"; readonly checkpoint?: undefined }
  )

/** Progress is told in the phase `verify`, while a state is read. */
export interface RecoverOptions extends ProgressOptions {
  /** `"deep"` (default) reads every state before it is trusted; `"shallow"` trusts sizes, and the state verifies when it is read. */
  depth?: VerifyDepth
  /** Says whether a checkpoint that verifies is also wanted (its pipeline hash, say). Its own errors reach the caller unchanged. */
  accept?: (manifest: CheckpointManifest) => boolean | Promise<boolean>
  signal?: AbortSignal | undefined
}
