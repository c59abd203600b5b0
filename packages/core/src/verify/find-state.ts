import type { OnProgress } from "../bytes/progress.js"
import type { Digest } from "../bytes/sha256.js"
import type { SliceDigests } from "../bytes/slice-digests.js"
import { BackendError } from "../errors.js"
import { fatal, type ValidationIssue } from "../format/manifest/issues.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { digestPrefix, mayCoverInline } from "../format/manifest/state-checksum.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { DigestPlan } from "../storage/reads.js"
import type { Storage } from "../storage/storage.js"
import { operatorDigests, operatorIssues } from "./operator-slices.js"
import { ownsState } from "./read-manifest.js"
import type { VerifyDepth } from "./verified.js"

/** A state as it is stored. */
export interface FoundState {
  readonly size: number
  readonly meta?: ObjectMeta
  /** SHA-256 of its bytes, if they were read. */
  readonly digest?: Pick<Digest, "hex" | "has">
  /** Digests of its operators that have checksums of their own, if its bytes were read. */
  readonly operators?: SliceDigests | undefined
  /** Why it cannot be read, if it cannot. */
  readonly damage?: string
}

/** Reads a state (deep), or looks up its size (shallow). `undefined`: no state is there. */
export async function findState(
  storage: Storage,
  key: string,
  options: {
    depth: VerifyDepth
    listed: ObjectMeta | undefined
    signal: AbortSignal
    onProgress: OnProgress | undefined
    /** The manifest says what is hashed. It may still be under way when the state is opened. */
    manifest: () => Promise<CheckpointManifest | undefined>
  },
  again = true,
): Promise<FoundState | undefined> {
  const { depth, listed, signal, onProgress } = options
  try {
    if (depth === "shallow") {
      const meta = listed ?? (await storage.head(key, signal))
      return meta === undefined ? undefined : { size: meta.size, meta }
    }
    let meta: ObjectMeta | undefined
    let operators: SliceDigests | undefined
    const plan = async (): Promise<DigestPlan> => {
      const manifest = await options.manifest()
      operators = operatorDigests(manifest)
      const onChunk = operators && ((chunk: Uint8Array) => operators?.update(chunk))
      return { prefix: manifest && digestPrefix(manifest), onChunk }
    }
    const digest = await storage.digest(key, {
      signal,
      onProgress,
      plan,
      onOpen: (opened) => {
        meta = opened
      },
    })
    if (digest === undefined || meta === undefined) return undefined
    return { size: digest.size, meta, digest, operators }
  } catch (error) {
    if (!(error instanceof BackendError)) throw error
    if (error.kind === "damaged") return { size: 0, damage: error.message }
    // The state changed while it was read. A save never changes a state; but it may have been pruned and written anew,
    // so it is read once more.
    if (error.kind !== "precondition") throw error
    if (again) return findState(storage, key, { ...options, listed: undefined }, false)
    return { size: 0, damage: error.message }
  }
}

/**
 * Settles a checksum that is not the manifest's: the state is read again, to tell damage in transit from damage at
 * rest.
 */
export async function settled(
  storage: Storage,
  key: string,
  { stateChecksum, stateSize }: CheckpointManifest,
  state: FoundState | undefined,
  signal: AbortSignal,
  prefix: Uint8Array | undefined,
): Promise<FoundState | undefined> {
  if (state?.digest === undefined || stateChecksum === null || state.digest.has(stateChecksum)) return state
  const { size } = state
  if (stateSize !== undefined && stateSize !== size) return state
  try {
    const isSound = await storage.hasChecksum(key, stateChecksum, { offset: 0, size, whole: true, prefix }, signal)
    return isSound ? { ...state, digest: { hex: () => stateChecksum, has: () => true } } : state
  } catch (error) {
    if (error instanceof BackendError && (error.kind === "damaged" || error.kind === "precondition")) return state
    throw error
  }
}

/** The size of a state that no manifest names. Something at its key that is no object has size 0. */
export async function lookUp(
  storage: Storage,
  key: string,
  signal: AbortSignal | undefined,
): Promise<{ size: number } | undefined> {
  try {
    return await storage.head(key, signal)
  } catch (error) {
    if (error instanceof BackendError && error.kind === "damaged") return { size: 0 }
    throw error
  }
}

/** The issues of a state, by its manifest. */
export function stateIssues(manifest: CheckpointManifest, state: FoundState | undefined): ValidationIssue[] {
  const { stateChecksum, stateSize } = manifest
  const owns = ownsState(manifest) === true
  if (state === undefined) {
    if (!owns) return []
    if (mayCoverInline(manifest)) {
      const message = "state_checksum is not of the inline states, and there is no state.bin: one of the two is damaged"
      return [fatal("state-checksum", message)]
    }
    return [fatal("state-missing", "state.bin referenced by the manifest but not found")]
  }
  if (state.damage !== undefined)
    return owns ? [fatal("state-missing", `state.bin cannot be read: ${state.damage}`)] : []
  if (stateSize !== undefined && stateSize !== state.size) {
    return [fatal("state-size", `state.bin has ${state.size} bytes, the manifest says ${stateSize}`)]
  }
  // A manifest without a checksum of its state gets a warning from its own validation.
  if (stateChecksum !== null && state.digest?.has(stateChecksum) === false) {
    const message = `state.bin checksum mismatch: expected ${stateChecksum}, got ${state.digest.hex()}`
    return [fatal("state-checksum", message)]
  }
  return operatorIssues(manifest, state.operators)
}
