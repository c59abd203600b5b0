import { type ByteSlice, SliceDigests } from "../bytes/slice-digests.js"
import { describe } from "../format/json.js"
import { fatal, type ValidationIssue } from "../format/manifest/issues.js"
import type { CheckpointManifest } from "../format/manifest/model.js"

/** The external operators that have a checksum of their own, by their place in the state. */
function namedSlices({ operatorStates, operatorChecksums = {} }: CheckpointManifest): ByteSlice[] {
  const slices: ByteSlice[] = []
  for (const name of Object.keys(operatorChecksums)) {
    const operator = Object.hasOwn(operatorStates, name) ? operatorStates[name] : undefined
    if (operator?.external !== true) continue
    slices.push({ name, start: operator.externalOffset, end: operator.externalOffset + operator.externalLength })
  }
  return slices.sort((a, b) => a.start - b.start || a.end - b.end)
}

/** The first slice that overlaps the slice before it. A store writes its operators one behind the other. */
function overlapping(slices: readonly ByteSlice[]): ByteSlice | undefined {
  return slices.find((slice, at) => at > 0 && slice.start < (slices[at - 1] as ByteSlice).end)
}

/** Digests of the external operators that have a checksum of their own; `undefined` if there are none, or they overlap. */
export function operatorDigests(manifest: CheckpointManifest | undefined): SliceDigests | undefined {
  if (manifest?.operatorChecksums === undefined) return undefined
  const slices = namedSlices(manifest)
  return slices.length === 0 || overlapping(slices) !== undefined ? undefined : new SliceDigests(slices)
}

/**
 * The issue of operators whose bytes do not have their own checksums, although the whole state may have its checksum:
 * reading them would fail.
 */
export function operatorIssues(manifest: CheckpointManifest, digests: SliceDigests | undefined): ValidationIssue[] {
  const { operatorChecksums } = manifest
  if (operatorChecksums === undefined) return []
  const slices = namedSlices(manifest)
  const second = overlapping(slices)
  if (second !== undefined) {
    const path = ["operator_states", second.name]
    return [fatal("operator-range", describe(path, "its range overlaps another operator's"))]
  }
  const found = digests?.results()
  const wrong = slices.filter(({ name }) => found !== undefined && found.get(name) !== operatorChecksums[name])
  if (wrong[0] === undefined) return []
  const others = wrong.length === 1 ? "" : `, and ${wrong.length - 1} more operators`
  const path = ["operator_checksums", wrong[0].name]
  return [fatal("state-checksum", describe(path, `it is not of that operator's bytes${others}`))]
}
