import { atOnce, Pace, type Work } from "../../async/turns.js"
import { describe } from "../json.js"
import { checkingBase64, isBase64, isShort } from "./inline.js"
import { fatal, type IssueCode, Issues, type ValidationIssue } from "./issues.js"
import { type CheckpointManifest, MANIFEST_VERSION, type OperatorState } from "./model.js"

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
  return atOnce(validatingManifest(manifest, options))
}

/** {@link validateManifest} as work with pauses. */
export function* validatingManifest(manifest: CheckpointManifest, options: ValidateOptions): Work<ValidationIssue[]> {
  const issues = new Issues()
  const pace = new Pace()
  yield* warnings(manifest, options, issues, pace)
  yield* fatals(manifest, options, issues, pace)
  return issues.list()
}

/** The two fatal issues that leave a manifest readable. */
export function zeroIssues(manifest: CheckpointManifest): ValidationIssue[] {
  const issues: ValidationIssue[] = []
  const likely = "epoch or checkpoint_id is 0 — likely corrupted"
  if (manifest.checkpointId === 0) issues.push(fatal("id-zero", `${likely} (checkpoint_id is 0)`))
  if (manifest.epoch === 0) issues.push(fatal("epoch-zero", `${likely} (epoch is 0)`))
  return issues
}

function* warnings(m: CheckpointManifest, options: ValidateOptions, issues: Issues, pace: Pace): Work<void> {
  const warn = (code: IssueCode, message: () => string): void =>
    issues.warn(code, () => `manifest validation: ${message()}`)
  if (m.version === 0) warn("version-zero", () => "version is 0")
  if (m.timestampMs === 0) warn("timestamp-zero", () => "timestamp_ms is 0 (time of creation unknown)")
  if (Object.keys(m.sinkCommitStatuses).length > 0) {
    for (const name of Object.keys(m.sinkEpochs)) {
      if (pace.isDue()) yield
      if (Object.hasOwn(m.sinkCommitStatuses, name)) continue
      warn("sink-status-missing", () => describe(["sink_epochs", name], "this sink has an epoch but no commit status"))
    }
  }
  if (m.sourceNames.length > 0) {
    const names = new Set(m.sourceNames)
    for (const name of Object.keys(m.sourceOffsets)) {
      if (pace.isDue()) yield
      if (!names.has(name)) warn("source-unnamed", () => describe(["source_offsets", name], "not in source_names"))
    }
  }
  if (m.vnodeCount === 0) warn("vnode-count", () => "vnode_count is 0 (missing or legacy checkpoint)")
  else if (m.vnodeCount !== options.vnodeCount) {
    warn("vnode-count", () => `vnode_count is ${m.vnodeCount}, but this store expects ${options.vnodeCount}`)
  }
  if ((m.stateSize ?? options.stateSize ?? 0) > 0 && m.stateChecksum === null) {
    warn(
      "state-unverified",
      () => "there is a state, and state_checksum is null: nothing can tell whether it is intact",
    )
  }
}

function* fatals(m: CheckpointManifest, options: ValidateOptions, issues: Issues, pace: Pace): Work<void> {
  for (const issue of zeroIssues(m)) issues.add(issue)
  const { expectedId } = options
  if (m.version > MANIFEST_VERSION) issues.add(newerVersion(m.version))
  if (expectedId !== undefined && m.checkpointId !== expectedId) issues.add(anotherId(expectedId, m.checkpointId))
  const size = m.stateSize ?? options.stateSize
  for (const name of Object.keys(m.operatorStates)) {
    if (pace.isDue()) yield
    const operator = m.operatorStates[name] as OperatorState
    if (operator.external && !isWithin(operator.externalOffset, operator.externalLength, size)) {
      issues.fatal("operator-range", () => {
        const range = `${operator.externalLength} bytes at ${operator.externalOffset}`
        const state = size === undefined ? "any state" : `the state of ${size} bytes`
        return describe(["operator_states", name], `${range} are outside ${state}`)
      })
    }
    const { stateB64 } = operator
    if (stateB64 !== null && !(isShort(stateB64) ? isBase64(stateB64) : yield* checkingBase64(stateB64))) {
      issues.fatal("operator-base64", () => describe(["operator_states", name], "state_b64 is not valid base64"))
    }
  }
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
