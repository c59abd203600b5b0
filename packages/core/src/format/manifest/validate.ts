import { describe } from "../json.js"
import { isBase64 } from "./inline.js"
import { type CheckpointManifest, MANIFEST_VERSION } from "./model.js"

/** The kind of an issue, for a program to branch on. Codes do not change; messages may. */
export type IssueCode =
  // Warnings.
  | "version-zero"
  | "timestamp-zero"
  | "sink-status-missing"
  | "source-unnamed"
  | "vnode-count"
  | "state-unverified"
  | "not-accepted"
  // Fatal: the manifest cannot be read.
  | "manifest-missing"
  | "manifest-corrupt"
  | "manifest-checksum"
  | "manifest-too-large"
  | "manifest-version"
  | "number-unsafe"
  // Fatal: the manifest can be read, but cannot be right.
  | "id-zero"
  | "epoch-zero"
  | "id-mismatch"
  | "operator-range"
  | "operator-base64"
  // Fatal: the state is damaged.
  | "state-missing"
  | "state-size"
  | "state-checksum"

/** One finding about a checkpoint. With a fatal issue the checkpoint is not valid, and recovery passes it over. */
export interface ValidationIssue {
  readonly severity: "warning" | "fatal"
  readonly code: IssueCode
  readonly message: string
}

export interface ValidateOptions {
  /** The store's own vnode count. */
  readonly vnodeCount: number
  /** The id that the manifest's name holds. */
  readonly expectedId?: number | undefined
  /** Bytes of the state that was found, for a manifest that does not say its size. 0: there is no state. */
  readonly stateSize?: number | undefined
}

/** All issues of a manifest that can be found without its state: warnings first, then fatal issues. */
export function validateManifest(manifest: CheckpointManifest, options: ValidateOptions): ValidationIssue[] {
  return [...warnings(manifest, options), ...fatals(manifest, options)]
}

/** The two fatal issues that leave a manifest readable. */
export function zeroIssues(manifest: CheckpointManifest): ValidationIssue[] {
  const issues: ValidationIssue[] = []
  const likely = "epoch or checkpoint_id is 0 — likely corrupted"
  if (manifest.checkpointId === 0) issues.push(fatal("id-zero", `${likely} (checkpoint_id is 0)`))
  if (manifest.epoch === 0) issues.push(fatal("epoch-zero", `${likely} (epoch is 0)`))
  return issues
}

export function fatal(code: IssueCode, message: string): ValidationIssue {
  return { severity: "fatal", code, message }
}

function warnings(m: CheckpointManifest, options: ValidateOptions): ValidationIssue[] {
  const issues: ValidationIssue[] = []
  const warn = (code: IssueCode, message: string): void => {
    issues.push({ severity: "warning", code, message: `manifest validation: ${message}` })
  }
  if (m.version === 0) warn("version-zero", "version is 0")
  if (m.timestampMs === 0) warn("timestamp-zero", "timestamp_ms is 0 (time of creation unknown)")
  if (Object.keys(m.sinkCommitStatuses).length > 0) {
    for (const name of Object.keys(m.sinkEpochs)) {
      if (Object.hasOwn(m.sinkCommitStatuses, name)) continue
      warn("sink-status-missing", `${describe(["sink_epochs", name], "this sink has an epoch but no commit status")}`)
    }
  }
  if (m.sourceNames.length > 0) {
    const names = new Set(m.sourceNames)
    for (const name of Object.keys(m.sourceOffsets)) {
      if (!names.has(name)) warn("source-unnamed", describe(["source_offsets", name], "not in source_names"))
    }
  }
  if (m.vnodeCount === 0) warn("vnode-count", "vnode_count is 0 (missing or legacy checkpoint)")
  else if (m.vnodeCount !== options.vnodeCount) {
    warn("vnode-count", `vnode_count is ${m.vnodeCount}, but this store expects ${options.vnodeCount}`)
  }
  if ((m.stateSize ?? options.stateSize ?? 0) > 0 && m.stateChecksum === null) {
    warn("state-unverified", "there is a state, and state_checksum is null: nothing can tell whether it is intact")
  }
  return issues
}

function fatals(m: CheckpointManifest, options: ValidateOptions): ValidationIssue[] {
  const issues = zeroIssues(m)
  const { expectedId } = options
  if (m.version > MANIFEST_VERSION) issues.push(newerVersion(m.version))
  if (expectedId !== undefined && m.checkpointId !== expectedId) {
    issues.push(anotherId(expectedId, m.checkpointId))
  }
  const size = m.stateSize ?? options.stateSize
  for (const [name, operator] of Object.entries(m.operatorStates)) {
    const path = ["operator_states", name]
    if (operator.external && !isWithin(operator.externalOffset, operator.externalLength, size)) {
      const range = `${operator.externalLength} bytes at ${operator.externalOffset}`
      const state = size === undefined ? "any state" : `the state of ${size} bytes`
      issues.push(fatal("operator-range", describe(path, `${range} are outside ${state}`)))
    }
    if (operator.stateB64 !== null && !isBase64(operator.stateB64)) {
      issues.push(fatal("operator-base64", describe(path, "state_b64 is not valid base64")))
    }
  }
  return issues
}

export function anotherId(expected: number, found: number): ValidationIssue {
  return fatal("id-mismatch", `the manifest of checkpoint ${expected} says checkpoint_id ${found}`)
}

export function newerVersion(version: number): ValidationIssue {
  const message = `manifest version ${version} is newer than ${MANIFEST_VERSION}, the latest that this release reads`
  return fatal("manifest-version", message)
}

/** True if the range lies within the state. No sum is formed, since a sum could round. False for NaN. */
function isWithin(offset: number, length: number, size = Number.MAX_SAFE_INTEGER): boolean {
  return offset >= 0 && length >= 0 && offset <= size && length <= size - offset
}
