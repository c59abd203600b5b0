import type { Share } from "../async/budget.js"
import type { OnProgress } from "../bytes/progress.js"
import type { ValidationIssue } from "../format/manifest/issues.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { oneOf, type ShapeOf } from "../input/kinds.js"
import { type OperationOptions, operationShape, type ProgressOptions, progressFields } from "../options.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { FoundManifest } from "./read-manifest.js"

/** `"deep"`: the whole state is read and its checksum compared. `"shallow"`: only the size of the state is compared. */
export type VerifyDepth = "shallow" | "deep"

/** The result of verifying one checkpoint. */
export interface Verified {
  readonly id: number
  readonly issues: readonly ValidationIssue[]
  /** True if no issue is fatal. */
  readonly valid: boolean
  /** `undefined` if it is gone or cannot be decoded. */
  readonly manifest: CheckpointManifest | undefined
  readonly manifestMeta: ObjectMeta | undefined
  /** The checkpoint's state; `undefined` if it has none, or none was found. */
  readonly stateMeta: ObjectMeta | undefined
  /**
   * True if the manifest is not there: it was never written, or the checkpoint was pruned, perhaps while it was read.
   */
  readonly gone: boolean
}

export interface Listed {
  readonly manifest: ObjectMeta | undefined
  readonly state: ObjectMeta | undefined
}

export interface VerifyRequest {
  readonly depth: VerifyDepth
  /** The checkpoint as a listing showed it, `state` absent if the listing showed none. Left out, the state is looked up. */
  readonly listed?: Listed | undefined
  readonly signal?: AbortSignal | undefined
  /** See `readManifest`. */
  readonly share?: Share | undefined
  /** Called, in the phase `verify`, while a state is read. */
  readonly onProgress?: OnProgress | undefined
}

export function isValid(issues: readonly ValidationIssue[]): boolean {
  return issues.every((issue) => issue.severity !== "fatal")
}

/** A checkpoint whose manifest cannot be decoded. */
export function unreadable(id: number, { meta, issues }: FoundManifest): Verified {
  return { id, manifest: undefined, manifestMeta: meta, stateMeta: undefined, gone: false, valid: false, issues }
}

/** The options of `verify`. Progress is told in the phase `verify`. */
export interface VerifyOptions extends OperationOptions, ProgressOptions {
  /** Default `"deep"`. */
  depth?: VerifyDepth | undefined
}

/** The answer of `verify`. A checkpoint that does not exist or does not count has the issue `manifest-missing`. */
export interface Verification {
  /** The checkpoint. */
  readonly id: number
  /** True if no issue is fatal. */
  readonly valid: boolean
  /** Warnings and fatal issues. */
  readonly issues: readonly ValidationIssue[]
}

export const aDepth = oneOf("shallow", "deep")

export const verifyShape: ShapeOf<VerifyOptions> = {
  fields: { ...operationShape.fields, ...progressFields, depth: aDepth },
}
