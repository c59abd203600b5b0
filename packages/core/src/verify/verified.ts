import type { OnProgress } from "../bytes/progress.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { ValidationIssue } from "../format/manifest/validate.js"
import type { OperationOptions, ProgressOptions } from "../options.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { FoundManifest } from "./read-manifest.js"

/** `"deep"` reads the whole state and compares its checksum; `"shallow"` compares its size. */
export type VerifyDepth = "shallow" | "deep"

/** A checkpoint as it was found. */
export interface Verified {
  readonly id: number
  readonly issues: readonly ValidationIssue[]
  /** No issue is fatal. */
  readonly valid: boolean
  readonly manifest: CheckpointManifest | undefined
  readonly manifestMeta: ObjectMeta | undefined
  /** The state that belongs to it; absent where it has none or none was found. */
  readonly stateMeta: ObjectMeta | undefined
  /** The manifest is not there (any more): pruned, or never written. */
  readonly gone: boolean
}

export interface VerifyRequest {
  readonly depth: VerifyDepth
  /** The state as a listing showed it (`null`: it showed none); left out, the state is looked up. */
  readonly listed?: ObjectMeta | null | undefined
  readonly signal?: AbortSignal | undefined
  /** Told in the phase `verify`, while a state is read. */
  readonly onProgress?: OnProgress | undefined
}

export function isValid(issues: readonly ValidationIssue[]): boolean {
  return issues.every((issue) => issue.severity !== "fatal")
}

/** A checkpoint whose manifest cannot be decoded. */
export function unreadable(id: number, { meta, issues }: FoundManifest): Verified {
  return { id, manifest: undefined, manifestMeta: meta, stateMeta: undefined, gone: false, valid: false, issues }
}

export interface VerifyOptions extends OperationOptions, ProgressOptions {
  /** `"deep"` (default) reads the state and compares its checksum; `"shallow"` compares its size. */
  depth?: VerifyDepth
}

export interface Verification {
  readonly id: number
  /** No issue is fatal. */
  readonly valid: boolean
  readonly issues: readonly ValidationIssue[]
}
