import { Follower } from "../async/abort.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { fatal, type ValidateOptions, type ValidationIssue, validateManifest } from "../format/manifest/validate.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { Place } from "../storage/place.js"
import { Memory, type Outline, outlineOf } from "./memory.js"
import { type FoundManifest, ownsState, readManifest } from "./read-manifest.js"
import { lookUp, readState, settled, stateIssues } from "./read-state.js"
import { isValid, unreadable, type Verified, type VerifyRequest } from "./verified.js"

type ReadManifest = FoundManifest & { readonly manifest: CheckpointManifest }
type ReadState = (listed: ObjectMeta | undefined) => ReturnType<typeof readState>

/** Whether one checkpoint is sound, and what was found out about each. */
export class Verifier {
  readonly place: Place
  readonly #vnodeCount: number
  readonly memory = new Memory()

  /** @param vnodeCount that a manifest of this job should name */
  constructor(place: Place, vnodeCount: number) {
    this.place = place
    this.#vnodeCount = vnodeCount
  }

  /** One manifest, read and decoded; `undefined` if nothing is there. Damage is an issue; only the storage's failures reject. */
  manifest(id: number, signal?: AbortSignal): Promise<FoundManifest | undefined> {
    return readManifest(this.place, id, signal)
  }

  /** The findings that need no state. */
  validate(manifest: CheckpointManifest, options: Omit<ValidateOptions, "vnodeCount"> = {}): ValidationIssue[] {
    return validateManifest(manifest, { ...options, vnodeCount: this.#vnodeCount })
  }

  /**
   * Manifest and state of one checkpoint, read at the same time. Deep reads the whole state and compares its checksum. What
   * is found is remembered.
   */
  async verify(id: number, request: VerifyRequest): Promise<Verified> {
    const found = await this.#look(id, request)
    this.memory.note(found, request.depth, request.listed ?? undefined)
    return found
  }

  /**
   * A checkpoint as a listing shows it, looked at shallowly; `undefined` if it is gone. What is remembered of the same versions
   * is not read again, unless `anew`.
   */
  async outline(
    id: number,
    { manifest, state, anew = false }: { manifest: ObjectMeta; state: ObjectMeta | undefined; anew?: boolean },
    signal: AbortSignal | undefined,
  ): Promise<Outline | undefined> {
    const known = anew ? undefined : this.memory.recall(id, manifest, state)
    if (known !== undefined) return known
    const found = await this.#look(id, { depth: "shallow", listed: state ?? null, signal })
    const outline = this.memory.note(found, "shallow", state)
    return found.gone ? undefined : (outline ?? outlineOf(found, manifest, this.memory.isDamaged(found)))
  }

  async #look(id: number, request: VerifyRequest): Promise<Verified> {
    const { depth, listed, signal, onProgress } = request
    const { storage, layout } = this.place
    const stop = new Follower(signal)
    const read: ReadState = (shown) =>
      readState(storage, layout.stateKey(id), { depth, listed: shown, signal: stop.signal, onProgress })
    // Begun before the manifest is known, so that the two take one turn; given up where the state turns out not to matter.
    const reading = listed === null ? undefined : read(listed)
    reading?.catch(() => {})
    try {
      signal?.throwIfAborted()
      const found = await this.manifest(id, signal)
      if (found === undefined) return gone(id, undefined, `manifest not found for checkpoint ${id}`)
      const { manifest } = found
      if (manifest === undefined) return unreadable(id, found)
      if (ownsState(manifest) === false) return await this.#withoutState(id, { ...found, manifest }, request)
      // A look that may have been made before the manifest was written does not tell that a state is missing, nor does a
      // listing: either may be older than the manifest.
      const seen = (await reading) ?? (await read(undefined))
      return await this.#withState(id, { ...found, manifest }, seen, listed, stop.signal)
    } finally {
      stop.abort()
      stop.leave()
    }
  }

  /** A state beside a manifest that names none belongs to nobody: a warning. */
  async #withoutState(id: number, found: ReadManifest, { listed, signal }: VerifyRequest): Promise<Verified> {
    const { storage, layout } = this.place
    const beside = listed === undefined ? await lookUp(storage, layout.stateKey(id), signal) : (listed ?? undefined)
    const issues = this.validate(found.manifest, { expectedId: id, stateSize: 0 })
    if (beside !== undefined) {
      const message = `a state of ${beside.size} bytes is beside a manifest that names none`
      issues.push({ severity: "warning", code: "state-unverified", message })
    }
    return verified(id, found, undefined, issues)
  }

  async #withState(
    id: number,
    found: ReadManifest,
    seen: Awaited<ReturnType<typeof readState>>,
    listed: ObjectMeta | null | undefined,
    signal: AbortSignal,
  ): Promise<Verified> {
    const { storage, layout } = this.place
    const { manifest, meta } = found
    const state = await settled(storage, layout.stateKey(id), manifest, seen, signal)
    const issues = [
      ...this.validate(manifest, { expectedId: id, stateSize: state?.size ?? 0 }),
      ...stateIssues(manifest, state),
    ]
    const missing = issues.some((issue) => issue.code === "state-missing")
    const wasReplaced = listed && state?.meta !== undefined && state.meta.version !== listed.version
    const now = missing ? await storage.head(layout.manifestKey(id), signal) : undefined
    if (missing ? now?.version !== meta?.version : wasReplaced && !isValid(issues)) {
      // Retention removes the manifest first, so this one was pruned while it was read; what is there now came later.
      return gone(id, found, `checkpoint ${id} was pruned while it was read`)
    }
    return verified(id, found, state?.meta, issues)
  }
}

function gone(id: number, found: FoundManifest | undefined, message: string): Verified {
  const issues = [fatal("manifest-missing", message)]
  return { ...verified(id, found, undefined, issues), gone: true }
}

function verified(
  id: number,
  found: FoundManifest | undefined,
  stateMeta: ObjectMeta | undefined,
  issues: readonly ValidationIssue[],
): Verified {
  const valid = isValid(issues)
  return { id, manifest: found?.manifest, manifestMeta: found?.meta, stateMeta, gone: false, valid, issues }
}
