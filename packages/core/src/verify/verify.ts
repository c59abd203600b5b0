import { Follower } from "../async/abort.js"
import type { OnProgress } from "../bytes/progress.js"
import { BackendError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { fatal, type ValidationIssue, validateManifest } from "../format/manifest/validate.js"
import type { OperationOptions, ProgressOptions } from "../options.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { Storage } from "../storage/storage.js"
import { type ExamineContext, type FoundManifest, ownsState, readManifest } from "./read-manifest.js"

export type VerifyDepth = "shallow" | "deep"

export interface Examination {
  readonly id: number
  readonly issues: readonly ValidationIssue[]
  readonly valid: boolean
  readonly manifest: CheckpointManifest | undefined
  readonly manifestMeta: ObjectMeta | undefined
  /** The state that belongs to it; absent where it has none or none was found. */
  readonly stateMeta: ObjectMeta | undefined
  /** The manifest is not there (any more): pruned, or never written. */
  readonly gone: boolean
}

function isValid(issues: readonly ValidationIssue[]): boolean {
  return issues.every((issue) => issue.severity !== "fatal")
}

/** What is to be said of a checkpoint whose manifest's bytes give none. */
export function unreadable(id: number, { meta, issues }: FoundManifest): Examination {
  return { id, manifest: undefined, manifestMeta: meta, stateMeta: undefined, gone: false, valid: false, issues }
}

/**
 * Everything that verification looks at, for one checkpoint. Deep reads the whole state and compares its checksum;
 * manifest and state are read at the same time.
 *
 * @param options.listed the state as a listing showed it (`null`: it showed none); left out, it is looked up
 * @param options.onProgress told in the phase `verify`, while a state is read
 */
export async function examine(
  context: ExamineContext,
  id: number,
  options: {
    depth: VerifyDepth
    listed?: ObjectMeta | null | undefined
    signal?: AbortSignal | undefined
    onProgress?: OnProgress | undefined
  },
): Promise<Examination> {
  const { storage, layout, vnodeCount } = context
  const { depth, listed, signal, onProgress } = options
  const stateKey = layout.stateKey(id)
  const stop = new Follower(signal)
  // Started before the manifest is known, so that the two take one turn; given up where it turns out not to be needed.
  const read = (shown: ObjectMeta | undefined) =>
    readState(storage, stateKey, { depth, listed: shown, signal: stop.signal, onProgress })
  const reading = listed === null ? undefined : read(listed)
  reading?.catch(() => {})
  try {
    signal?.throwIfAborted()
    const found = await readManifest(context, id, signal)
    const result = {
      id,
      manifest: found?.manifest,
      manifestMeta: found?.meta,
      stateMeta: undefined,
      gone: found === undefined,
    }
    if (found === undefined) {
      return { ...result, valid: false, issues: [fatal("manifest-missing", `manifest not found for checkpoint ${id}`)] }
    }
    if (found.manifest === undefined) return unreadable(id, found)
    const { manifest } = found

    if (ownsState(manifest) === false) {
      // What lies beside it is not its own; it is only worth a warning.
      const beside = listed === undefined ? await lookUp(storage, stateKey, signal) : (listed ?? undefined)
      const issues = validateManifest(manifest, { vnodeCount, expectedId: id, stateSize: 0 })
      if (beside !== undefined) {
        const message = `a state of ${beside.size} bytes is beside a manifest that names none`
        issues.push({ severity: "warning", code: "state-unverified", message })
      }
      return { ...result, valid: isValid(issues), issues }
    }

    // A listing may be older than the manifest that it shows, so only a look of its own says that a state is missing.
    // Nor does a look that may have been made before the manifest was written.
    const seen = (await reading) ?? (await read(undefined))
    const state = await settled(storage, stateKey, manifest, seen, stop.signal)
    const issues = [
      ...validateManifest(manifest, { vnodeCount, expectedId: id, stateSize: state?.size ?? 0 }),
      ...stateIssues(manifest, state),
    ]
    const missing = issues.some((i) => i.code === "state-missing")
    const wasReplaced = listed && state?.meta !== undefined && state.meta.version !== listed.version
    const now = missing ? await storage.head(layout.manifestKey(id), signal) : undefined
    if (missing ? now?.version !== found.meta?.version : wasReplaced && !isValid(issues)) {
      // Retention removes the manifest first, so this one was pruned while it was read; what is there now came later.
      return {
        ...result,
        gone: true,
        valid: false,
        issues: [fatal("manifest-missing", `checkpoint ${id} was pruned while it was read`)],
      }
    }
    return { ...result, stateMeta: state?.meta, valid: isValid(issues), issues }
  } finally {
    stop.abort()
    stop.leave()
  }
}

interface FoundState {
  readonly size: number
  readonly meta?: ObjectMeta
  /** Only where it was read. */
  readonly checksum?: string
  readonly damage?: string
}

async function readState(
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
async function settled(
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

async function lookUp(
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

function stateIssues(manifest: CheckpointManifest, state: FoundState | undefined): ValidationIssue[] {
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
