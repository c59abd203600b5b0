import { atOnce, Pace, type Work } from "../../async/turns.js"
import { Digest } from "../../bytes/sha256.js"
import { sortingByUtf8 } from "../utf8-order.js"
import type { CheckpointManifest, OperatorState } from "./model.js"

/**
 * What a manifest's `state_checksum` is of.
 *
 * - `state`: of `state.bin` alone. All manifests of this library, and those of the reference up to its release 0.22.
 * - `inline`: of the inline states. No `state.bin` belongs to the checkpoint. The reference since 0.23.
 * - `either`: of `state.bin` alone, or of the hexadecimal digits of the inline states' checksum followed by `state.bin`: the
 *   manifest has inline and external operators, and does not say which release of the reference wrote it.
 */
export type ChecksumMeaning =
  | { readonly of: "state" | "inline" }
  | { readonly of: "either"; readonly inlineDigits: Uint8Array }

type Covered = Pick<CheckpointManifest, "stateChecksum" | "stateSize" | "operatorChecksums" | "operatorStates">

/** Computed once for each manifest: inline states may be megabytes. */
const meanings = new WeakMap<Covered, ChecksumMeaning>()

export function checksumMeaning(manifest: Covered): ChecksumMeaning {
  return atOnce(findingMeaning(manifest))
}

/** {@link checksumMeaning} as work with pauses. */
export function* findingMeaning(manifest: Covered): Work<ChecksumMeaning> {
  let meaning = meanings.get(manifest)
  if (meaning === undefined) {
    meaning = yield* find(manifest)
    meanings.set(manifest, meaning)
  }
  return meaning
}

function* find({ stateChecksum, stateSize, operatorChecksums, operatorStates }: Covered): Work<ChecksumMeaning> {
  // A manifest of this library always has a state_size, and an update keeps its absence.
  const isOurs = stateSize !== undefined || operatorChecksums !== undefined
  if (isOurs || stateChecksum === null || !hasInline(operatorStates)) return { of: "state" }
  const digits = yield* hashingInline(operatorStates)
  if (Object.values(operatorStates).some((operator) => operator.external))
    return { of: "either", inlineDigits: new TextEncoder().encode(digits) }
  return { of: stateChecksum === digits ? "inline" : "state" }
}

/** The bytes that stand before those of the state in the second digest that `state_checksum` may be; `undefined`: only one may be. */
export function digestPrefix(manifest: Covered): Uint8Array | undefined {
  const meaning = checksumMeaning(manifest)
  return meaning.of === "either" ? meaning.inlineDigits : undefined
}

/** A manifest of the reference with inline operators alone: its `state_checksum` is of them, or of a `state.bin` beside. */
export function mayCoverInline({ stateSize, operatorChecksums, operatorStates }: Covered): boolean {
  if (stateSize !== undefined || operatorChecksums !== undefined) return false
  const operators = Object.values(operatorStates)
  return operators.length > 0 && operators.every((operator) => !operator.external)
}

function hasInline(operatorStates: CheckpointManifest["operatorStates"]): boolean {
  return Object.values(operatorStates).some((operator) => !operator.external)
}

/**
 * SHA-256 over the inline operators as the reference computes it: for each, by the UTF-8 order of their names, the name, a zero
 * byte, the text of `state_b64` (nothing where it is null), a zero byte. Lower-case hexadecimal.
 */
export function inlineChecksum(operatorStates: CheckpointManifest["operatorStates"]): string {
  return atOnce(hashingInline(operatorStates))
}

function* hashingInline(operatorStates: CheckpointManifest["operatorStates"]): Work<string> {
  const inline = Object.keys(operatorStates).filter((name) => operatorStates[name]?.external === false)
  const digest = new Digest()
  const pace = new Pace()
  let text = ""
  const flush = () => {
    digest.update(Buffer.from(text))
    text = ""
  }
  for (const name of yield* sortingByUtf8(inline)) {
    text += `${name}\0${(operatorStates[name] as OperatorState).stateB64 ?? ""}\0`
    const isDue = pace.isDue()
    if (!isDue && text.length < charactersAtOnce) continue
    flush()
    yield
  }
  flush()
  return digest.hex()
}

const charactersAtOnce = 1024 * 1024
