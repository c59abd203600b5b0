import type { OnProgress } from "../bytes/progress.js"
import { BackendError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { fatal, type ValidationIssue } from "../format/manifest/validate.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { Storage } from "../storage/storage.js"
import { ownsState } from "./read-manifest.js"
import type { VerifyDepth } from "./verified.js"

export interface FoundState {
  readonly size: number
  readonly meta?: ObjectMeta
  /** Only where it was read. */
  readonly checksum?: string
  readonly damage?: string
}

export async function readState(
  storage: Storage,
  key: string,
  options: {
    depth: VerifyDepth
    listed: ObjectMeta | undefined
    signal: AbortSignal
    onProgress: OnProgress | undefined
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
    const digest = await storage.digest(key, {
      signal,
      onProgress,
      expected: listed?.size,
      onOpen: (opened) => {
        meta = opened
      },
    })
    if (digest === undefined || meta === undefined) return undefined
    return { size: digest.size, meta, checksum: digest.hex() }
  } catch (error) {
    if (!(error instanceof BackendError)) throw error
    if (error.kind === "damaged") return { size: 0, damage: error.message }
    // It changed while it was read, as no state of ours does. Once more, in case it was pruned and written anew.
    if (error.kind !== "precondition") throw error
    if (again) return readState(storage, key, { ...options, listed: undefined }, false)
    return { size: 0, damage: error.message }
  }
}

/** A checksum that is not the manifest's is damage only if the bytes have it at rest. */
export async function settled(
  storage: Storage,
  key: string,
  { stateChecksum, stateSize }: CheckpointManifest,
  state: FoundState | undefined,
  signal: AbortSignal,
): Promise<FoundState | undefined> {
  if (state?.checksum === undefined || stateChecksum === null || state.checksum === stateChecksum) return state
  const { size } = state
  if (stateSize !== undefined && stateSize !== size) return state
  try {
    const isSound = await storage.hasChecksum(key, stateChecksum, { offset: 0, size, whole: true }, signal)
    return isSound ? { ...state, checksum: stateChecksum } : state
  } catch (error) {
    if (error instanceof BackendError && (error.kind === "damaged" || error.kind === "precondition")) return state
    throw error
  }
}

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

export function stateIssues(manifest: CheckpointManifest, state: FoundState | undefined): ValidationIssue[] {
  const { stateChecksum, stateSize } = manifest
  const owns = ownsState(manifest) === true
  if (state === undefined) {
    return owns ? [fatal("state-missing", "state.bin referenced by the manifest but not found")] : []
  }
  if (state.damage !== undefined)
    return owns ? [fatal("state-missing", `state.bin cannot be read: ${state.damage}`)] : []
  if (stateSize !== undefined && stateSize !== state.size) {
    return [fatal("state-size", `state.bin has ${state.size} bytes, the manifest says ${stateSize}`)]
  }
  // Where no checksum stands, the validation of the manifest warns.
  if (stateChecksum !== null && state.checksum !== undefined && state.checksum !== stateChecksum) {
    return [fatal("state-checksum", `state.bin checksum mismatch: expected ${stateChecksum}, got ${state.checksum}`)]
  }
  return []
}
