/**
 * The only place that deletes checkpoints. Three steps, in this order:
 *
 * 1. One swap of the pointer raises `floor` to the highest id that goes, and lists in `kept` the lower ids that stay.
 * 2. The manifests are deleted.
 * 3. Their states are deleted.
 *
 * Invariants: nothing at or above the latest valid checkpoint is ever deleted; no manifest ever stands without its
 * state. After a crash behind step 1, the manifests that are left do not count, and the next prune deletes them. After
 * a crash behind step 2, the states that are left are orphans.
 */

import { CheckpointError } from "../errors.js"
import type { Pin, Pointer } from "../format/pointer.js"
import type { History } from "../history/history.js"
import type { Listing } from "../history/listing.js"
import { latestValidId } from "../history/summary.js"
import { pinsOf } from "../history/view.js"
import type { DeleteFailure } from "../storage/backend.js"
import type { Place } from "../storage/place.js"

/** An object that could not be deleted. */
export interface PruneFailure {
  /** The checkpoint that the object belongs to. */
  readonly id: number
  readonly key: string
  /** Why it could not be deleted: the backend's error. */
  readonly error: unknown
}

/**
 * Removes checkpoints. A checkpoint that was pinned meanwhile is spared. If a manifest could not be deleted, its state
 * stays.
 *
 * @param doomed the ids that go, all below `latestValid`
 * @param stays every other listed id
 * @param latestValid the latest valid checkpoint
 */
export async function removeBelow(
  history: History,
  listing: Listing,
  doomed: readonly number[],
  stays: readonly number[],
  latestValid: number,
  signal: AbortSignal | undefined,
): Promise<{ failures: PruneFailure[]; spared: number[] }> {
  const remove = async (pins: readonly Pin[], dropped: readonly string[]) => {
    const pinned = new Set(pins.map((pin) => pin.id))
    const goes = doomed.filter((id) => !pinned.has(id))
    const failures = await removeObjects(history.place, listing, goes, dropped, signal)
    // A checkpoint that could not be removed may be looked at again: its damage stays remembered.
    const left = new Set(failures.map(({ id }) => id))
    for (const id of goes) if (!left.has(id)) history.verifier.memory.forget(id)
    return { failures, spared: doomed.filter((id) => pinned.has(id)) }
  }
  if (!history.pointerHasRoom) {
    // The pointer has no room for a floor. The stores of this process make their pins in turn with this, so no pin comes
    // in between.
    const removals = await history.removals(signal)
    return removals.remove(doomed, signal, async () => remove((await history.lister.pins(signal)).pins, []))
  }
  const floor = doomed.reduce((highest, id) => Math.max(highest, id), 0)
  const raised = await history.pointer.raiseFloor(
    floor,
    stays.filter((id) => id <= floor),
    latestValid,
  )
  return remove(pinsOf(listing, raised), droppedClaims(history.place, listing, raised))
}

/** The keys of the claims' own objects that the raised pointer does not list any more. */
function droppedClaims({ layout }: Place, { claims }: Listing, raised: Pointer): string[] {
  const lowest = raised.claims[0]?.epoch ?? 0
  return claims.filter(({ epoch }) => epoch < lowest).map(({ epoch, from }) => layout.claimKey(epoch, from))
}

/** Deletes manifests, then their states. */
async function removeObjects(
  { storage, layout }: Place,
  listing: Listing,
  doomed: readonly number[],
  dropped: readonly string[],
  signal: AbortSignal | undefined,
): Promise<PruneFailure[]> {
  const failures: PruneFailure[] = []
  const report = (keyOf: (id: number) => string, ids: readonly number[], failed: readonly DeleteFailure[]) => {
    const byKey = new Map(ids.map((id) => [keyOf(id), id]))
    for (const { key, error } of failed) {
      const id = byKey.get(key)
      // A claim's object that could not be deleted does no harm, and the next run deletes it.
      if (id !== undefined) failures.push({ id, key, error })
    }
  }
  const manifestKey = (id: number) => layout.manifestKey(id)
  const stateKey = (id: number) => layout.stateKey(id)
  report(manifestKey, doomed, await storage.delete([...doomed.map(manifestKey), ...dropped], signal))
  const manifestLeft = new Set(failures.map((failure) => failure.id))
  const withState = doomed.filter((id) => !manifestLeft.has(id) && listing.states.has(id))
  report(stateKey, withState, await storage.delete(withState.map(stateKey), signal))
  return failures
}

/** Removes one checkpoint, which must lie below the latest valid checkpoint. False if it does not exist. */
export async function removeOne(history: History, id: number, signal: AbortSignal | undefined): Promise<boolean> {
  const view = await history.view(signal)
  if (!view.listing.manifests.has(id)) return false
  const latestValid = await latestValidId(history.verifier, view, { signal })
  if (latestValid === undefined || id >= latestValid) {
    const which = latestValid === id ? "the latest valid checkpoint" : "not below the latest valid checkpoint"
    const message = `checkpoint ${id} is ${which}, and is never deleted. Save a newer checkpoint first.`
    throw new CheckpointError("CKPT_INVALID", message, history.place.manifest(id))
  }
  const pin = view.pins.find((one) => one.id === id)
  if (pin !== undefined) throw isPinned(history, id, pin.name)
  const stays = view.latestFirst().filter((other) => other !== id)
  const { failures, spared } = await removeBelow(history, view.listing, [id], stays, latestValid, signal)
  if (failures[0] !== undefined) throw failures[0].error
  if (spared.length > 0) throw isPinned(history, id)
  return true
}

function isPinned({ place }: History, id: number, name?: string): CheckpointError {
  const message = `checkpoint ${id} is pinned${name === undefined ? "" : ` as ${name}`}, so it is not removed. unpin() it first.`
  return new CheckpointError("CKPT_INVALID", message, place.manifest(id))
}
