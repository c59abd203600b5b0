import { fatal, type ValidationIssue } from "../format/manifest/validate.js"
import type { ObjectMeta } from "../storage/backend.js"
import { isValid, type Verified, type VerifyDepth } from "./verified.js"

/** What is known of a checkpoint, without its manifest, which may be large. */
export interface Outline {
  readonly id: number
  readonly epoch?: number
  readonly timestampMs?: number
  /** No issue is fatal. */
  readonly valid: boolean
  readonly issues: readonly ValidationIssue[]
  /** Bytes of the state. */
  readonly stateSize?: number
  /** When the manifest was last written, by the storage's clock. */
  readonly lastModified: Date
  /** The epoch of the claim under which it was written, if there was one. */
  readonly writerEpoch: number | undefined
  /** The version of the manifest that was read. */
  readonly version: string | undefined
}

interface Entry {
  /** Of the manifest and the state that were looked at. The outline is of these and of no others. */
  readonly manifest: string
  readonly state: string | undefined
  readonly outline: Outline
  readonly stateChecksum: string | null | undefined
  /** A deep look found that the state with this checksum is damaged. Only a deep look takes that back. */
  readonly isDamaged: boolean
}

/**
 * What this process verified, by checkpoint and the versions of its two objects: what has the same versions is not read again.
 * Neither a manifest nor a listing shows a damaged state, so a deep look's finding stays until the next deep look.
 */
export class Memory {
  readonly #entries = new Map<number, Entry>()

  /** The outline of a checkpoint whose manifest and state (`undefined`: none) have these versions; `undefined` if not known. */
  recall(id: number, manifest: ObjectMeta, state: ObjectMeta | undefined): Outline | undefined {
    const entry = this.#entries.get(id)
    return entry?.manifest === manifest.version && entry.state === state?.version ? entry.outline : undefined
  }

  /** @param listed the state as a listing showed it, where the look began with one */
  note(verified: Verified, depth: VerifyDepth, listed: ObjectMeta | undefined): Outline | undefined {
    const { id, manifest, manifestMeta, stateMeta } = verified
    if (verified.gone) this.#entries.delete(id)
    if (manifestMeta === undefined) return undefined
    const before = this.#entries.get(id)
    // A manifest that cannot be decoded says nothing of the state.
    const stateChecksum = manifest === undefined ? before?.stateChecksum : manifest.stateChecksum
    const wasDamaged = before?.isDamaged === true && before.stateChecksum === stateChecksum
    const isDamaged = manifest !== undefined && depth === "deep" ? !verified.valid : wasDamaged
    const outline = outlineOf(verified, manifestMeta, isDamaged)
    const state = stateMeta?.version ?? listed?.version
    this.#entries.set(id, { manifest: manifestMeta.version, state, outline, stateChecksum, isDamaged })
    return outline
  }

  /** True for a checkpoint whose state this process has found damaged. */
  isDamaged({ id, manifest }: Verified): boolean {
    const entry = this.#entries.get(id)
    return entry?.isDamaged === true && entry.stateChecksum === manifest?.stateChecksum
  }

  forget(id: number): void {
    this.#entries.delete(id)
  }

  /** Forgets what is not among `ids`, so that memory does not grow by what others remove; but no damage. */
  keep(ids: { has(id: number): boolean }): void {
    for (const [id, { isDamaged }] of this.#entries) if (!isDamaged && !ids.has(id)) this.#entries.delete(id)
  }
}

/** @param seen the manifest as it was read, or as a listing showed it */
export function outlineOf(verified: Verified, seen: ObjectMeta, isDamaged: boolean): Outline {
  const { id, manifest, stateMeta } = verified
  const stateSize = manifest?.stateSize ?? stateMeta?.size
  const issues = isDamaged && isValid(verified.issues) ? [...verified.issues, damaged] : verified.issues
  return {
    id,
    ...(manifest === undefined ? {} : { epoch: manifest.epoch, timestampMs: manifest.timestampMs }),
    valid: isValid(issues),
    issues,
    ...(stateSize === undefined ? {} : { stateSize }),
    lastModified: seen.lastModified,
    writerEpoch: manifest?.writer?.epoch,
    version: manifest === undefined ? undefined : seen.version,
  }
}

const damaged = fatal("state-checksum", "its state was found damaged when it was read; verify() says how")
