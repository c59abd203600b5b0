import type { ValidationIssue } from "../format/manifest/issues.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { aFunction, type ShapeOf } from "../input/kinds.js"
import { operationShape, type ProgressOptions, progressFields } from "../options.js"
import type { Checkpoint } from "../state/checkpoint.js"
import { aDepth, type VerifyDepth } from "../verify/verified.js"

/** A checkpoint that recovery passed over. */
export interface Skipped {
  /** Absent if the id is beyond 2^53 - 1, so that no JavaScript number holds it. */
  readonly id?: number
  /** The key of its manifest. */
  readonly key: string
  /** At least one fatal issue, or the warning `not-accepted`. */
  readonly issues: readonly ValidationIssue[]
}

/** What every recovery tells, whatever its outcome. */
export interface RecoveryFacts {
  /** The newer checkpoints that were passed over, latest first, each with its issues. */
  readonly skipped: readonly Skipped[]
  /** The number of checkpoints that were judged: the skipped ones and the recovered one. */
  readonly examined: number
  /**
   * The lowest id above every id ever seen here: the id of the next save. If 2^53 - 1 is taken, no id is left: then it is
   * 2^53 - 1, a save of it is `CKPT_CONFLICT`, and `store.nextId()` rejects.
   */
  readonly nextId: number
  /** Milliseconds. */
  readonly elapsedMs: number
}

/**
 * Why a recovery found nothing where checkpoints were saved.
 *
 * - `none-verifies`: every checkpoint is damaged.
 * - `none-accepted`: at least one verifies, and `accept` passed it over.
 */
export type ExhaustedReason = "none-verifies" | "none-accepted"

/**
 * The answer of `recover`, by its `outcome`:
 *
 * - `recovered`: `checkpoint` is the latest checkpoint that verifies (and is accepted).
 * - `fresh`: nothing was ever saved here. There is no manifest and no pointer, or, on a claimed store, nothing that is part
 *   of its history.
 * - `exhausted`: checkpoints were saved here, and none can be used. This is not a fresh start. `reason` says why.
 */
export type Recovery = RecoveryFacts &
  (
    | {
        /** There is a checkpoint. */
        readonly outcome: "recovered"
        /** The latest checkpoint that verifies and is accepted. */
        readonly checkpoint: Checkpoint
      }
    | {
        /** Nothing was ever saved here. */
        readonly outcome: "fresh"
        /** None. */
        readonly checkpoint?: undefined
      }
    | {
        /** Checkpoints were saved here, and none can be used. */
        readonly outcome: "exhausted"
        /** Why none can be used. */
        readonly reason: ExhaustedReason
        /** None. */
        readonly checkpoint?: undefined
      }
  )

/** The options of `recover`. Progress is told in the phase `verify`, while a state is read. */
export interface RecoverOptions extends ProgressOptions {
  /**
   * `"deep"` (default) reads the state and compares its checksum. `"shallow"` compares its size; the checksum is
   * compared when you read the state.
   */
  depth?: VerifyDepth | undefined
  /**
   * Called for each checkpoint that verifies; `false` passes it over, for example for its pipeline hash. Any answer but true or
   * false is `CKPT_INVALID`. An error of `accept` rejects the recovery unchanged.
   */
  accept?: ((manifest: CheckpointManifest) => boolean | Promise<boolean>) | undefined
  /** When it is aborted, the recovery rejects with the signal's reason, and so do the readers of its checkpoint. */
  signal?: AbortSignal | undefined
}

export const recoverShape: ShapeOf<RecoverOptions> = {
  fields: { ...operationShape.fields, ...progressFields, depth: aDepth, accept: aFunction },
}
