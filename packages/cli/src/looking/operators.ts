import { type CheckpointManifest, decodeInline } from "@ckpt/core"

/** One operator of a checkpoint. */
export interface OperatorFacts {
  readonly name: string
  /** Bytes of its state. */
  readonly bytes: number
  /** Where they are: in the manifest, in `state.bin`, or nowhere, since there are none. */
  readonly where: "inline" | "external" | "none"
  /** SHA-256 of its bytes, if the manifest has it. */
  readonly checksum?: string
}

/** The operators of a manifest, by name. */
export function operatorsOf({ operatorStates, operatorChecksums = {} }: CheckpointManifest): OperatorFacts[] {
  const facts = Object.entries(operatorStates).map(([name, operator]): OperatorFacts => {
    const checksum = Object.hasOwn(operatorChecksums, name) ? operatorChecksums[name] : undefined
    const more = checksum === undefined ? {} : { checksum }
    if (operator.external) return { name, bytes: operator.externalLength, where: "external", ...more }
    if (operator.stateB64 === null) return { name, bytes: 0, where: "none", ...more }
    return { name, bytes: decodeInline(operator).length, where: "inline", ...more }
  })
  return facts.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Bytes of the states of all operators, or of the one state. */
export function bytesOf(manifest: CheckpointManifest): number {
  const { stateSize = 0 } = manifest
  // What is inline is not in `state.bin`.
  return Math.max(
    stateSize,
    operatorsOf(manifest).reduce((sum, { bytes }) => sum + bytes, 0),
  )
}
