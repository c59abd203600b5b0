import { inlineSize } from "../format/manifest/inline.js"
import { fatal, type ValidationIssue } from "../format/manifest/issues.js"
import {
  type CheckpointManifest,
  emptyRecord,
  type NamedMap,
  type OperatorState,
  type SinkCommitStatus,
} from "../format/manifest/model.js"
import { isCommitted } from "../format/manifest/sinks.js"
import type { ObjectMeta } from "../storage/backend.js"
import { epochsOf, writerEpochOf } from "./read-manifest.js"
import { isValid, type Verified, type VerifyDepth } from "./verified.js"

/** What is remembered of a checkpoint: everything but its manifest, which may be large. */
export interface Outline {
  readonly id: number
  readonly epoch?: number
  readonly timestampMs?: number
  /** True if no issue is fatal. */
  readonly valid: boolean
  readonly issues: readonly ValidationIssue[]
  /** Bytes of the state. */
  readonly stateSize?: number
  /** Bytes of each operator's state; see `CheckpointSummary`. */
  readonly operators?: NamedMap<number>
  readonly sinks?: NamedMap<SinkCommitStatus["status"]>
  readonly labels?: NamedMap<string>
  /** When the manifest was last written, by the storage's clock. */
  readonly lastModified: Date
  /** 0 for a plain writer; `undefined` if the manifest cannot be read. */
  readonly writerEpoch: number | undefined
  /** The highest epoch that the manifest carries; 0 if it cannot be read. */
  readonly carries: number
  /** Whether no sink is pending or failed; false if the manifest cannot be read. */
  readonly isCommitted: boolean
  /** The version of the manifest that was read; `undefined` if the manifest cannot be decoded. */
  readonly version: string | undefined
}

interface Entry {
  /** The versions of the manifest and the state that the outline describes. */
  readonly manifest: string
  readonly state: string | undefined
  readonly outline: Outline
  readonly stateChecksum: string | null | undefined
  /**
   * True if a deep verification found the state of this version, with this checksum, damaged or missing. Only another deep verification
   * takes it back. A state of another version was put there since: nothing is known of it.
   */
  readonly isDamaged: boolean
  /** True if a deep verification read the state of these versions, and found it sound. */
  readonly isSound: boolean
}

/**
 * The results of this process's verifications, by checkpoint and the versions of its manifest and state. A checkpoint
 * with the same versions need not be read again. Damage of a state shows neither in the manifest nor in a listing, so
 * it stays remembered until the next deep verification, for as long as that very state is there.
 */
export class Memory {
  readonly #entries = new Map<number, Entry>()

  /**
   * The outline of a checkpoint with these versions of manifest and state; `undefined` if it is not remembered. Its time is that
   * of `manifest`: the same bytes written again have a new time, and on S3 the same version.
   */
  recall(id: number, manifest: ObjectMeta, state: ObjectMeta | undefined): Outline | undefined {
    const entry = this.#entries.get(id)
    if (entry?.manifest !== manifest.version || entry.state !== state?.version) return undefined
    const { outline } = entry
    const { lastModified } = manifest
    return outline.lastModified.getTime() === lastModified.getTime() ? outline : { ...outline, lastModified }
  }

  /** True if this process has read the state of these versions, and found it sound. */
  isSound(id: number, manifest: ObjectMeta, state: ObjectMeta): boolean {
    return this.recall(id, manifest, state) !== undefined && this.#entries.get(id)?.isSound === true
  }

  /** @param listed the state that a listing showed, if there was one */
  note(verified: Verified, depth: VerifyDepth, listed: ObjectMeta | undefined): Outline | undefined {
    const { id, manifest, manifestMeta, stateMeta } = verified
    if (verified.gone) this.#entries.delete(id)
    if (manifestMeta === undefined) return undefined
    const before = this.#entries.get(id)
    // A manifest that cannot be decoded does not name its state, so what was known of that stays.
    const stateChecksum = manifest === undefined ? before?.stateChecksum : manifest.stateChecksum
    const state = stateMeta?.version ?? listed?.version ?? (manifest === undefined ? before?.state : undefined)
    const wasDamaged = before?.isDamaged === true && before.stateChecksum === stateChecksum && before.state === state
    const isDamaged = manifest !== undefined && depth === "deep" ? !verified.valid : wasDamaged
    const outline = outlineOf(verified, manifestMeta, isDamaged)
    const isSame = before?.manifest === manifestMeta.version && before.state === state
    const isSound = depth === "deep" ? verified.valid : isSame && before.isSound
    this.#entries.set(id, { manifest: manifestMeta.version, state, outline, stateChecksum, isDamaged, isSound })
    return outline
  }

  /** True if this process has found the checkpoint's state damaged. */
  isDamaged({ id, manifest }: Verified): boolean {
    const entry = this.#entries.get(id)
    return entry?.isDamaged === true && entry.stateChecksum === manifest?.stateChecksum
  }

  forget(id: number): void {
    this.#entries.delete(id)
  }

  /** Forgets the checkpoints that are not among `ids`: others may have removed them. Damage is never forgotten here. */
  keep(ids: { has(id: number): boolean }): void {
    for (const [id, { isDamaged }] of this.#entries) if (!isDamaged && !ids.has(id)) this.#entries.delete(id)
  }
}

/** @param seen the manifest's key, version and time, as it was read or as a listing showed it */
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
    ...(manifest === undefined ? {} : shownOf(manifest)),
    lastModified: seen.lastModified,
    writerEpoch: writerEpochOf(manifest),
    carries: epochsOf(manifest)?.carries ?? 0,
    isCommitted: manifest !== undefined && isCommitted(manifest),
    version: manifest === undefined ? undefined : seen.version,
  }
}

/** More names would make what is remembered of a checkpoint as large as its manifest. */
const mostNames = 1_000

/** What a list shows of a manifest: copies, since a value may hold the whole text of its manifest in memory. */
function shownOf(manifest: CheckpointManifest): Pick<Outline, "operators" | "sinks" | "labels"> {
  const operators = brief(manifest.operatorStates, sizeOf)
  const sinks = brief(manifest.sinkCommitStatuses, ({ status }) => status)
  const labels = emptyRecord<string>()
  for (const [name, label] of Object.entries(manifest.labels ?? {})) labels[name] = Buffer.from(label).toString()
  return {
    ...(operators === undefined ? {} : { operators }),
    ...(sinks === undefined ? {} : { sinks }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  }
}

/** What is told of each, by its name; `undefined` of none, and of too many. */
function brief<T, R>(all: NamedMap<T>, tell: (one: T) => R): NamedMap<R> | undefined {
  const names = Object.keys(all)
  if (names.length === 0 || names.length > mostNames) return undefined
  const told = emptyRecord<R>()
  for (const name of names) told[name] = tell(all[name] as T)
  return told
}

function sizeOf({ external, externalLength, stateB64 }: OperatorState): number {
  if (external) return externalLength
  return stateB64 === null ? 0 : inlineSize(stateB64)
}

const damaged = fatal("state-checksum", "its state was found damaged when it was read; verify() says how")
