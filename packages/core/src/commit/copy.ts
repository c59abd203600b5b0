import { isDeepStrictEqual } from "node:util"
import { CheckpointError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { History } from "../history/history.js"
import { aBoolean, type ShapeOf } from "../input/kinds.js"
import type { OperationOptions, ProgressOptions } from "../options.js"
import { openFeed, type StateFeed } from "../state/feed.js"
import { WriteProgress } from "../state/progress.js"
import type { GivenSource } from "../state/source.js"
import type { Place } from "../storage/place.js"
import { aDepth, type Verified, type VerifyDepth } from "../verify/verified.js"
import { acknowledge, assertMayWrite } from "./acknowledge.js"
import { commit } from "./commit.js"
import { createManifestObject } from "./create-manifest.js"
import { createState } from "./create-state.js"
import { type Committed, type Job, storedForm } from "./job.js"
import { assertFoundDurable } from "./outcome.js"
import { furtherSinks } from "./sinks.js"
import { update } from "./update.js"

/** What is asked of a copy that is there already. */
export interface CopyOptions {
  /**
   * How much of it is read. `"shallow"` (default): its manifest, and the size of its state. `"deep"`: also each byte of its state, as
   * `verify` does.
   */
  depth?: VerifyDepth | undefined
  /**
   * True: what does not verify of it, as deep as `depth` looks, is overwritten by the bytes of the original. Default false: a damaged
   * copy is `CKPT_CORRUPT`, and stays as it is.
   */
  replaceDamaged?: boolean | undefined
}

/** The kinds of {@link CopyOptions}. */
export const copyFields: ShapeOf<CopyOptions>["fields"] = { depth: aDepth, replaceDamaged: aBoolean }

/** A checkpoint as it lies in another store. */
export interface Original {
  readonly manifest: CheckpointManifest
  /** The manifest's stored form. */
  readonly bytes: Uint8Array
  /** Opens the state anew, verified while it is read; `undefined` if the checkpoint has none. */
  readonly state: (() => GivenSource) | undefined
}

/** A copy that is acknowledged. */
export interface Copied extends Omit<Committed, "outcome"> {
  /**
   * `existed`: the same checkpoint was there already, and its state was not read from the other store. `replaced`: it was there, damaged,
   * and was written anew.
   */
  readonly outcome: "created" | "existed" | "replaced"
}

/** How a copy is made. */
export interface CopyRequest extends CopyOptions, OperationOptions, ProgressOptions {
  /** Awaited before the first write. A copy that is there already waits for nobody. */
  readonly turn?: (() => Promise<unknown>) | undefined
}

/**
 * Writes a checkpoint of another store under the same id: state, then manifest, as a save does. The state of a copy that is there
 * already is not read again from the other store, so a copy that was interrupted goes on where it ended.
 *
 * The manifest has the same bytes, but for the marks of claims: they tell of the other store's history, and here a reader would take
 * this history for lost. A leader puts its own mark in their place.
 *
 * A sink may have committed since the copy was made. That is recorded in the copy, as an update: it is the same checkpoint all the
 * same, and whoever recovers it here must not publish again, or go back to an older one.
 *
 * @throws {CheckpointError} `CKPT_CONFLICT` if the id has other content here; nothing is overwritten. `CKPT_CORRUPT` if the copy that is
 *   there is damaged, and is not to be replaced
 */
export async function copyInto(history: History, original: Original, request: CopyRequest): Promise<Copied> {
  const { replaceDamaged = false, signal, turn } = request
  const { place } = history
  const id = original.manifest.checkpointId
  await history.probe.once(signal)
  const there = await look(history, original, request)
  const found = there.is === "same" ? await existed(history, original, there, signal) : there
  if (found.is === "copied") return found.copied
  if (found.is === "damaged" && !replaceDamaged) throw damagedCopy(place, found.there)
  await turn?.()
  signal?.throwIfAborted()
  try {
    return await write(history, original, request, found)
  } catch (error) {
    if (!isConflict(error) || found.is !== "absent") throw error
    const now = await look(history, original, request)
    // Another copier was first, and the sinks had gone further by then.
    const other = now.is === "same" ? await existed(history, original, now, signal) : now
    if (other.is === "copied") return other.copied
    await assertIdIsFree(history, id, signal)
    const state = now.is === "absent" ? await place.storage.head(place.layout.stateKey(id), signal) : undefined
    if (state === undefined) throw error
    if (!replaceDamaged) throw withoutManifest(place, id)
    return write(history, original, request, { is: "damaged", there: now.there })
  }
}

/**
 * What is there under the id of a copy.
 *
 * - `same`: the same checkpoint, which verifies. `manifest`: as it is there.
 * - `absent`: no manifest.
 * - `damaged`: it does not verify. `manifest`: if that is sound, and of the same checkpoint.
 * - `dead`: a writer that was superseded wrote the same checkpoint late, so it does not count.
 */
type Found =
  | { readonly is: "same"; readonly there: Verified; readonly manifest: CheckpointManifest }
  | { readonly is: "absent" | "dead"; readonly there: Verified; readonly manifest?: undefined }
  | { readonly is: "damaged"; readonly there: Verified; readonly manifest?: CheckpointManifest | undefined }

/** @throws {CheckpointError} `CKPT_CONFLICT` if it is another checkpoint */
async function look(
  history: History,
  { manifest: given }: Original,
  { depth = "shallow", signal, onProgress }: CopyRequest,
): Promise<Found> {
  const { place, verifier } = history
  const id = given.checkpointId
  const there = await verifier.verify(id, { depth, signal, onProgress })
  if (there.gone) return { is: "absent", there }
  if (there.manifest === undefined || !isSameCheckpoint(there.manifest, given)) {
    if (!hasDamagedManifest(there)) throw taken(place, id)
    return { is: "damaged", there }
  }
  return { is: there.valid ? "same" : "damaged", there, manifest: there.manifest }
}

/** Acknowledges a copy that is there. It may be dead: only the history tells, which an acknowledgement reads anyway. */
async function existed(
  history: History,
  { manifest: given }: Original,
  { there, manifest }: Extract<Found, { is: "same" }>,
  signal: AbortSignal | undefined,
): Promise<{ readonly is: "copied"; readonly copied: Copied } | Extract<Found, { is: "dead" | "absent" }>> {
  const id = given.checkpointId
  await assertFoundDurable(history.place, id, [there.manifestMeta, there.stateMeta], signal)
  try {
    const further = await withSinksOf(history, given, manifest, signal)
    return { is: "copied", copied: await acknowledge(history, { manifest: further, outcome: "existed" }) }
  } catch (error) {
    if (!isConflict(error) || (await history.counts(id, manifest, signal))) throw error
    return { is: "dead", there }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof CheckpointError && error.code === "CKPT_CONFLICT"
}

async function write(
  history: History,
  original: Original,
  { signal, onProgress }: CopyRequest,
  found: Exclude<Found, { is: "same" }>,
): Promise<Copied> {
  const { lead } = history
  const { manifest: given } = original
  const isMarked = given.writer !== undefined || given.seen !== undefined
  const isSame = !isMarked && lead === undefined
  const marks = lead === undefined ? {} : { writer: { epoch: lead.epoch, id: lead.writer } }
  const manifest = isSame ? given : { ...withoutMarks(given), ...marks }
  const progress = new WriteProgress(onProgress)
  const feed = original.state && progress.watch(await openFeed(original.state, signal))
  const bytes = isSame ? { bytes: original.bytes } : {}
  const job = { id: given.checkpointId, feed, manifest: () => manifest, ...bytes, signal }
  try {
    const done = found.is === "absent" ? await commit(history, job) : await replace(history, original, job, found)
    progress.end(feed?.info())
    return done
  } finally {
    feed?.close()
  }
}

/**
 * Writes a copy anew: state, then manifest. Each is replaced in the version that was found, so that nobody else's write is lost. In
 * between the checkpoint is damaged, as before. If its manifest is sound, the state alone is written.
 */
async function replace(
  history: History,
  original: Original,
  job: Job & { readonly feed: StateFeed | undefined },
  { there, manifest: same }: Exclude<Found, { is: "same" }>,
): Promise<Copied> {
  const { place, verifier } = history
  const { id, feed, signal } = job
  const version = there.manifestMeta?.version
  if (!there.gone && version === undefined) throw noObject(place, there)
  await assertIdIsFree(history, id, signal)
  if (feed !== undefined) {
    const damaged = await place.storage.head(place.layout.stateKey(id), signal)
    await createState(place, id, feed, signal, damaged?.version)
  }
  if (same !== undefined) await assertFoundDurable(place, id, [there.manifestMeta], signal)
  let manifest = same && (await withSinksOf(history, original.manifest, same, signal))
  if (manifest === undefined) {
    manifest = job.manifest(undefined)
    await createManifestObject(place, manifest, storedForm(job, manifest), signal, version)
  }
  // A storage whose versions are checksums gives a replaced object the version that it had before it was damaged.
  verifier.memory.forget(id)
  // It was created in the place of another.
  return { ...(await acknowledge(history, { manifest, outcome: "created" })), outcome: "replaced" }
}

/** The copy, after every sink that has committed in the original is recorded as committed in it. */
async function withSinksOf(
  history: History,
  original: CheckpointManifest,
  copy: CheckpointManifest,
  signal: AbortSignal | undefined,
): Promise<CheckpointManifest> {
  if (isDeepStrictEqual(furtherSinks(copy, original), copy.sinkCommitStatuses)) return copy
  const change = (current: CheckpointManifest) => ({
    ...current,
    sinkCommitStatuses: furtherSinks(current, original),
  })
  const manifest = await update(history, copy.checkpointId, change, signal)
  history.emit({ type: "updated", id: copy.checkpointId })
  return manifest
}

function isSameCheckpoint(one: CheckpointManifest, other: CheckpointManifest): boolean {
  const sinkCommitStatuses = furtherSinks(one, other)
  return isDeepStrictEqual(withoutMarks({ ...one, sinkCommitStatuses }), withoutMarks({ ...other, sinkCommitStatuses }))
}

/** What a manifest says of its checkpoint: all but what leaders and updates of one store have marked it with. */
function withoutMarks({ writer: _w, seen: _s, updateToken: _u, ...rest }: CheckpointManifest): CheckpointManifest {
  return rest
}

/** True if the manifest itself is damaged. A manifest that only another release can read is not. */
function hasDamagedManifest({ issues }: Verified): boolean {
  return issues.some(
    ({ severity, code }) =>
      severity === "fatal" && !code.startsWith("state-") && code !== "manifest-version" && code !== "number-unsafe",
  )
}

function taken(place: Place, id: number): CheckpointError {
  const message =
    `checkpoint ${id} cannot be copied: a checkpoint with other content is there, on ${place.backend}. ` +
    "Nothing was overwritten; copy into another store or prefix."
  return new CheckpointError("CKPT_CONFLICT", message, place.manifest(id))
}

/** As for a save, but the advice for a save, another id, is none for a copy. */
async function assertIdIsFree(history: History, id: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await assertMayWrite(history, id, signal)
  } catch (cause) {
    if (!isConflict(cause)) throw cause
    const { place } = history
    const message =
      `checkpoint ${id} cannot be copied: its id is used up on ${place.backend}, since retention removed it there, or a claim shut it out. ` +
      "To have it, copy into another store or prefix."
    throw new CheckpointError("CKPT_CONFLICT", message, { ...place.manifest(id), cause })
  }
}

function damagedCopy(place: Place, { id, issues }: Verified): CheckpointError {
  const message =
    `the copy of checkpoint ${id} on ${place.backend} is damaged: ${whatIsWrong(issues)}. ` +
    "Nothing was overwritten; copy with replaceDamaged: true to write it anew."
  return new CheckpointError("CKPT_CORRUPT", message, place.manifest(id))
}

/** The manifest was lost, or a save is under way, or did not end. */
function withoutManifest(place: Place, id: number): CheckpointError {
  const message =
    `a state of checkpoint ${id} lies on ${place.backend} without a manifest, and has other bytes. ` +
    "Nothing was overwritten; copy with replaceDamaged: true to write it anew, unless a save of it is under way."
  return new CheckpointError("CKPT_CORRUPT", message, place.state(id))
}

function noObject(place: Place, { id, issues }: Verified): CheckpointError {
  const message =
    `the copy of checkpoint ${id} on ${place.backend} cannot be written anew: ${whatIsWrong(issues)}. ` +
    "Move away what is in its place, and copy again."
  return new CheckpointError("CKPT_CORRUPT", message, place.manifest(id))
}

function whatIsWrong(issues: Verified["issues"]): string {
  const message = issues.find(({ severity }) => severity === "fatal")?.message ?? "it does not verify"
  return message.replace(/\.$/, "")
}
