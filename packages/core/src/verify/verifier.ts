/**
 * Whether one checkpoint is sound: its manifest, and its state against the manifest. Whether it counts is not asked
 * here, see `history/`. Invariant: damage is an issue of that checkpoint; only a failure of the storage rejects.
 */

import { Follower } from "../async/abort.js"
import { atOnce, inTurns, isLong, type Work } from "../async/turns.js"
import { fatal, type ValidationIssue, warning } from "../format/manifest/issues.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { digestPrefix } from "../format/manifest/state-checksum.js"
import { type ValidateOptions, validateManifest, validatingManifest } from "../format/manifest/validate.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { Place } from "../storage/place.js"
import { type FoundState, findState, lookUp, settled, stateIssues } from "./find-state.js"
import { Memory, type Outline, outlineOf } from "./memory.js"
import { operatorDigests, operatorIssues } from "./operator-slices.js"
import { epochsOf, type FoundManifest, ownsState, readManifest } from "./read-manifest.js"
import { isValid, type Listed, unreadable, type Verified, type VerifyRequest } from "./verified.js"

type ReadManifest = FoundManifest & { readonly manifest: CheckpointManifest }

/** Verifies checkpoints, and remembers the result of each. */
export class Verifier {
  readonly place: Place
  readonly #vnodeCount: number
  readonly memory = new Memory()
  #epochSeen = 0

  /** @param vnodeCount the number that a manifest of this job should have; another number is a warning */
  constructor(place: Place, vnodeCount: number) {
    this.place = place
    this.#vnodeCount = vnodeCount
  }

  /** One manifest, read and decoded; `undefined` if nothing is there. */
  async manifest(id: number, signal?: AbortSignal): Promise<FoundManifest | undefined> {
    const found = await readManifest(this.place, id, signal)
    this.#noteEpoch(found)
    return found
  }

  #noteEpoch(found: FoundManifest | undefined): void {
    this.#epochSeen = Math.max(this.#epochSeen, epochsOf(found?.manifest)?.carries ?? 0)
  }

  /** The highest epoch that any manifest carries that was read so far. */
  get epochSeen(): number {
    return this.#epochSeen
  }

  /** The issues of a manifest that can be found without its state. */
  validate(manifest: CheckpointManifest, options: Omit<ValidateOptions, "vnodeCount"> = {}): ValidationIssue[] {
    return validateManifest(manifest, { ...options, vnodeCount: this.#vnodeCount })
  }

  /** {@link validate} as work with pauses. */
  validating(manifest: CheckpointManifest, options: Omit<ValidateOptions, "vnodeCount">): Work<ValidationIssue[]> {
    return validatingManifest(manifest, { ...options, vnodeCount: this.#vnodeCount })
  }

  /** Reads manifest and state of one checkpoint, at the same time, and remembers the result. */
  async verify(id: number, request: VerifyRequest): Promise<Verified> {
    const found = await this.#look(id, request)
    this.memory.note(found, request.depth, request.listed?.state)
    return found
  }

  /**
   * The outline of a listed checkpoint, verified shallowly; `undefined` if the checkpoint is gone. A result that is
   * remembered for the same versions of manifest and state is taken from memory, unless `anew`.
   */
  async outline(
    id: number,
    { manifest, state, anew = false }: { manifest: ObjectMeta; state: ObjectMeta | undefined; anew?: boolean },
    signal: AbortSignal | undefined,
  ): Promise<Outline | undefined> {
    const known = anew ? undefined : this.memory.recall(id, manifest, state)
    if (known !== undefined) return known
    const share = this.place.manifestBytes.share()
    try {
      if (!share.take(manifest.size)) await share.wait(manifest.size, signal)
      const found = await this.#look(id, { depth: "shallow", listed: { manifest, state }, signal, share })
      const outline = this.memory.note(found, "shallow", state)
      return found.gone ? undefined : (outline ?? outlineOf(found, manifest, this.memory.isDamaged(found)))
    } finally {
      // The manifest is let go of only now.
      share.release()
    }
  }

  /**
   * True unless the state was written after its manifest and does not verify. A state is written before its manifest and
   * never changed; a later one may be another file that was copied over it, with the right size. It is read once.
   */
  async hasOwnState(
    id: number,
    { manifest, state }: { manifest: ObjectMeta | undefined; state: ObjectMeta | undefined },
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (manifest === undefined || state === undefined || state.lastModified <= manifest.lastModified) return true
    if (this.memory.isSound(id, manifest, state)) return true
    return (await this.verify(id, { depth: "deep", listed: { manifest, state }, signal })).valid
  }

  async #look(id: number, request: VerifyRequest): Promise<Verified> {
    const { depth, listed, signal, onProgress, share } = request
    const { storage, layout } = this.place
    const stop = new Follower(signal)
    let found: Promise<FoundManifest | undefined>
    const decoded = async () => (await found)?.manifest
    const read = (shown: ObjectMeta | undefined) =>
      findState(storage, layout.stateKey(id), {
        depth,
        listed: shown,
        signal: stop.signal,
        onProgress,
        manifest: decoded,
      })
    try {
      signal?.throwIfAborted()
      // Manifest and state are read at the same time. If the manifest has no state, the read of the state is given up.
      const reading = listed !== undefined && listed.state === undefined ? undefined : read(listed?.state)
      reading?.catch(() => {})
      found = readManifest(this.place, id, signal, share)
      const seen = await found
      this.#noteEpoch(seen)
      if (seen === undefined) return gone(id, undefined, `manifest not found for checkpoint ${id}`)
      const { manifest } = seen
      if (manifest === undefined) return unreadable(id, seen)
      if (ownsState(manifest) === false) return await this.#withoutState(id, { ...seen, manifest }, request)
      return await this.#withState(id, { ...seen, manifest }, listed, {
        ahead: await reading,
        behind: () => read(undefined),
        signal: stop.signal,
      })
    } finally {
      stop.end()
    }
  }

  /** For a manifest that names no state. A state beside it belongs to no checkpoint: a warning. */
  async #withoutState(id: number, found: ReadManifest, { listed, signal }: VerifyRequest): Promise<Verified> {
    const { storage, layout } = this.place
    const beside = listed === undefined ? await lookUp(storage, layout.stateKey(id), signal) : listed.state
    const { manifest } = found
    const work = this.validating(manifest, { expectedId: id, stateSize: 0 })
    const issues = isLong(found.meta?.size ?? 0) ? await inTurns(work, signal) : atOnce(work)
    issues.push(...operatorIssues(manifest, operatorDigests(manifest)))
    if (beside !== undefined) {
      const message = `a state of ${beside.size} bytes is beside a manifest that names none`
      issues.push(warning("state-unverified", message))
    }
    return verified(id, found, undefined, issues)
  }

  /**
   * For a manifest with a state. A state that was read at the same time may be that of an earlier checkpoint with this id, or
   * missing since this one was being written. So what does not fit is read once more, behind the manifest, unless both are those
   * that the listing showed together.
   */
  async #withState(
    id: number,
    found: ReadManifest,
    listed: Listed | undefined,
    { ahead, behind, signal }: Reads,
  ): Promise<Verified> {
    const { meta } = found
    let judged = await this.#against(id, found, ahead ?? (await behind()), signal)
    if (isValid(judged.issues)) return verified(id, found, judged.meta, judged.issues)
    const isAsListed = isSame(meta, listed?.manifest) && isSame(judged.meta, listed?.state)
    if (ahead !== undefined && !isAsListed) judged = await this.#against(id, found, await behind(), signal)
    const isPruned = !isAsListed && !isValid(judged.issues) && !(await this.#stands(id, meta, signal))
    return isPruned
      ? gone(id, found, `checkpoint ${id} was pruned while it was read`)
      : verified(id, found, judged.meta, judged.issues)
  }

  /** What is wrong with a state, by its manifest. */
  async #against(id: number, { manifest, meta }: ReadManifest, seen: FoundState | undefined, signal: AbortSignal) {
    const { storage, layout } = this.place
    const state = await settled(storage, layout.stateKey(id), manifest, seen, signal, digestPrefix(manifest))
    const work = this.validating(manifest, { expectedId: id, stateSize: state?.size ?? 0 })
    const own = isLong(meta?.size ?? 0) ? await inTurns(work, signal) : atOnce(work)
    return { meta: state?.meta, issues: [...own, ...stateIssues(manifest, state)] }
  }

  /** Whether the manifest that was read is still there. Retention removes it before the state; whatever has its place came later. */
  async #stands(id: number, meta: ObjectMeta | undefined, signal: AbortSignal): Promise<boolean> {
    const { storage, layout } = this.place
    return (await storage.head(layout.manifestKey(id), signal))?.version === meta?.version
  }
}

/** The two ways to the state of a manifest. */
interface Reads {
  /** Read at the same time as the manifest; `undefined`: it was not there, or was not listed. */
  readonly ahead: FoundState | undefined
  /** Reads it now. */
  behind(): Promise<FoundState | undefined>
  readonly signal: AbortSignal
}

function isSame(seen: ObjectMeta | undefined, listed: ObjectMeta | undefined): boolean {
  return seen !== undefined && seen.version === listed?.version
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
