/**
 * The only place that deletes checkpoints. Three steps, in this order:
 *
 * 1. The history is replaced: its `floor` is the highest id that goes, its `kept` lists the lower ids that stay.
 * 2. The manifests are deleted.
 * 3. Their states are deleted.
 *
 * Invariants: nothing at or above the latest valid checkpoint is ever deleted; no manifest ever stands without its
 * state. After a crash behind step 1, the manifests that are left do not count, and the next prune deletes them. After
 * a crash behind step 2, the states that are left are orphans.
 */

import { CheckpointError } from "../errors.js"
import type { HistoryRecord } from "../format/history-record.js"
import type { Current } from "../history/current.js"
import type { History } from "../history/history.js"
import { assertUsable, changeable, maxChanges, outpaced } from "../history/lead.js"
import type { Listing } from "../history/listing.js"
import { counts, keptUpTo, mayCount } from "../history/rule.js"
import { latestValidId, summaries } from "../history/summary.js"
import type { View } from "../history/view.js"
import type { DeleteFailure } from "../storage/backend.js"
import type { Place } from "../storage/place.js"

/** An object that could not be deleted. */
export interface PruneFailure {
  /** The checkpoint that the object belongs to. */
  readonly id: number
  /** The object's key. */
  readonly key: string
  /** Why it could not be deleted: the backend's error. */
  readonly error: unknown
}

/** Which ids a removal takes. */
export interface Removal {
  /** Checkpoints of which all lie below `latestValid`, or orphans. */
  readonly gone: readonly number[]
  /** Every other listed id below the highest of them that counts. */
  readonly stays: readonly number[]
  /** The latest valid checkpoint; 0: there is none. */
  readonly latestValid: number
}

/**
 * Removes checkpoints, with the history that was read after the listing, or remembered from before it. `"again"`: the
 * history has changed since, perhaps by a pin of a doomed checkpoint, so nothing was removed, and the caller looks again.
 *
 * Every id that is deleted lies at or below the floor of the new history, and is not kept: a request that comes late, or
 * twice, hits what is dead, unless the history is lost and built anew meanwhile.
 */
export async function removeBelow(
  history: History,
  { listing, current }: View,
  removal: Removal,
  signal: AbortSignal | undefined,
): Promise<PruneFailure[] | "again"> {
  if (!(await ensureDead(history, current, removal, signal))) return "again"
  const { gone } = removal
  const failures = await removeObjects(history.place, listing, gone, signal)
  // A checkpoint that could not be removed may be looked at again: its damage stays remembered.
  const left = new Set(failures.map(({ id }) => id))
  for (const id of gone) if (!left.has(id)) history.verifier.memory.forget(id)
  return failures
}

/**
 * Makes ids dead. If they are not dead yet, the history is replaced. If they are, it is read: it must be `current` still, and not lost;
 * if a crash may still undo it, the same record replaces it. False: nothing may be removed, and the caller looks again.
 *
 * @param current the history that was read, or is remembered
 */
export async function ensureDead(
  history: History,
  current: Current,
  removal: Removal,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const next = raised(current.record, removal)
  if (next === undefined) {
    const now = await history.current(signal)
    if (now.version !== current.version || now.lost !== undefined) return false
    if (await history.isDurable(now, signal)) return true
  }
  return (await history.change(current, next ?? current.record, signal)) !== undefined
}

/** The history with the ids in `gone` dead; `undefined` if they are dead already. */
function raised(record: HistoryRecord, { gone, stays, latestValid }: Removal): HistoryRecord | undefined {
  if (!gone.some((id) => mayCount(id, record))) return undefined
  const floor = gone.reduce((highest, id) => Math.max(highest, id), record.floor)
  const kept = keptUpTo(floor, record, stays).without(gone)
  return { ...record, floor, kept, top: Math.max(record.top, latestValid) }
}

/** Deletes manifests, then their states. */
async function removeObjects(
  { storage, layout }: Place,
  listing: Listing,
  doomed: readonly number[],
  signal: AbortSignal | undefined,
): Promise<PruneFailure[]> {
  const failures: PruneFailure[] = []
  const report = (keyOf: (id: number) => string, ids: readonly number[], failed: readonly DeleteFailure[]) => {
    const byKey = new Map(ids.map((id) => [keyOf(id), id]))
    for (const { key, error } of failed) {
      const id = byKey.get(key)
      if (id !== undefined) failures.push({ id, key, error })
    }
  }
  const manifestKey = (id: number) => layout.manifestKey(id)
  const stateKey = (id: number) => layout.stateKey(id)
  report(manifestKey, doomed, await storage.delete(doomed.map(manifestKey), signal))
  const manifestLeft = new Set(failures.map((failure) => failure.id))
  const withState = doomed.filter((id) => !manifestLeft.has(id) && listing.states.has(id))
  report(stateKey, withState, await storage.delete(withState.map(stateKey), signal))
  return failures
}

/** Removes one checkpoint, which must lie below the latest valid checkpoint. False if it does not exist. */
export async function removeOne(history: History, id: number, signal: AbortSignal | undefined): Promise<boolean> {
  for (let changes = 0; changes < maxChanges; changes++) {
    const view = await history.view(signal)
    if (!view.listing.manifests.has(id)) return false
    await assertChangeable(history, view, signal)
    const latestValid = await latestValidId(history.verifier, view, { signal })
    if (isBehind(history, view)) continue
    if (latestValid === undefined || id >= latestValid) {
      const which = latestValid === id ? "the latest valid checkpoint" : "not below the latest valid checkpoint"
      const message = `checkpoint ${id} is ${which}, and is never deleted. Save a newer checkpoint first.`
      throw new CheckpointError("CKPT_INVALID", message, history.place.manifest(id))
    }
    const pin = view.pins.find((one) => one.id === id)
    if (pin !== undefined) throw isPinned(history, id, pin.name)
    // Only what lies below it is asked about: the floor is raised no further.
    const stays = view.latestFirst().filter((other) => other > view.record.floor && other < id)
    const staying = await counting(history, view.listing, view.record, stays, signal)
    const failures = await removeBelow(history, view, { gone: [id], stays: staying, latestValid }, signal)
    if (failures === "again") continue
    if (failures[0] !== undefined) throw failures[0].error
    return true
  }
  throw outpaced(history, "remove")
}

/**
 * True if a manifest that was read carries a higher epoch than the view's history: another writer claimed meanwhile, or the history
 * is lost. The next look knows which.
 */
export function isBehind({ verifier }: History, { current }: View): boolean {
  return current.lost === undefined && current.record.epoch < verifier.epochSeen
}

/** Of these listed ids, those that count or cannot be judged: their manifests say so. */
export async function counting(
  { verifier }: History,
  listing: Listing,
  record: HistoryRecord,
  ids: readonly number[],
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const all = await summaries(verifier, listing, ids, { signal })
  return all.filter(({ outline }) => counts(outline.id, outline.writerEpoch, record)).map(({ outline }) => outline.id)
}

/**
 * @throws {CheckpointError} `CKPT_FENCED` if another writer leads, `CKPT_CORRUPT` if the history is lost
 */
export async function assertChangeable(history: History, view: View, signal: AbortSignal | undefined): Promise<void> {
  assertUsable(history, view.current)
  // Somebody claims. Once that has ended, the history is another, and the caller looks again.
  if (view.record.claiming !== undefined) await changeable(history, signal)
}

function isPinned({ place }: History, id: number, name: string): CheckpointError {
  const message = `checkpoint ${id} is pinned as ${name}, so it is not removed. unpin() it first.`
  return new CheckpointError("CKPT_INVALID", message, place.manifest(id))
}
