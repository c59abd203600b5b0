import { CheckpointError } from "../errors.js"
import type { Pin, Pointer } from "../format/pointer.js"
import type { History } from "../history/history.js"
import type { Listing } from "../history/listing.js"
import { latestValidId } from "../history/summary.js"
import { pinsOf } from "../history/view.js"
import type { DeleteFailure } from "../storage/backend.js"
import type { Place } from "../storage/place.js"

export interface PruneFailure {
  readonly id: number
  readonly key: string
  readonly error: unknown
}

/**
 * The one way in which checkpoints are removed. `doomed` must lie below the latest valid checkpoint. What was pinned
 * meanwhile is spared. A state whose manifest could not be removed stays, so that no manifest ever stands without its state.
 */
export async function removeBelow(
  history: History,
  listing: Listing,
  doomed: readonly number[],
  stays: readonly number[],
  latestValid: number,
  signal: AbortSignal | undefined,
): Promise<{ failures: PruneFailure[]; spared: number[] }> {
  const remove = async (pins: readonly Pin[], trimmed: readonly string[]) => {
    const pinned = new Set(pins.map((pin) => pin.id))
    const goes = doomed.filter((id) => !pinned.has(id))
    const failures = await removeObjects(history.place, listing, goes, trimmed, signal)
    for (const id of goes) history.verifier.memory.forget(id)
    return { failures, spared: doomed.filter((id) => pinned.has(id)) }
  }
  if (!history.isTold) {
    // No floor to raise: pins of this store are made under the same lock.
    return history.removals.run(async () => remove((await history.lister.pins(signal)).pins, []))
  }
  const floor = doomed.reduce((highest, id) => Math.max(highest, id), 0)
  const raised = await history.pointer.raiseFloor(
    floor,
    stays.filter((id) => id <= floor),
    latestValid,
  )
  return remove(pinsOf({ pins: [] }, raised), trimmedClaims(history.place, listing, raised))
}

/** The objects of claims that the pointer does not need any more. */
function trimmedClaims({ layout }: Place, { claims }: Listing, raised: Pointer): string[] {
  const lowest = raised.claims[0]?.epoch ?? 0
  return claims.filter(({ epoch }) => epoch < lowest).map(({ epoch, from }) => layout.claimKey(epoch, from))
}

/** Manifests, then their states. */
async function removeObjects(
  { storage, layout }: Place,
  listing: Listing,
  doomed: readonly number[],
  trimmed: readonly string[],
  signal: AbortSignal | undefined,
): Promise<PruneFailure[]> {
  const failures: PruneFailure[] = []
  const report = (keyOf: (id: number) => string, ids: readonly number[], failed: readonly DeleteFailure[]) => {
    const byKey = new Map(ids.map((id) => [keyOf(id), id]))
    for (const { key, error } of failed) {
      const id = byKey.get(key)
      // A claim's object that stays does no harm, and goes with the next run.
      if (id !== undefined) failures.push({ id, key, error })
    }
  }
  const manifestKey = (id: number) => layout.manifestKey(id)
  const stateKey = (id: number) => layout.stateKey(id)
  report(manifestKey, doomed, await storage.delete([...doomed.map(manifestKey), ...trimmed], signal))
  const manifestLeft = new Set(failures.map((failure) => failure.id))
  const withState = doomed.filter((id) => !manifestLeft.has(id) && listing.states.has(id))
  report(stateKey, withState, await storage.delete(withState.map(stateKey), signal))
  return failures
}

/** Removes one checkpoint below the latest valid one. False if it is not there. */
export async function removeOne(history: History, id: number, signal: AbortSignal | undefined): Promise<boolean> {
  const view = await history.view(signal)
  if (!view.listing.manifests.has(id)) return false
  const latestValid = await latestValidId(history.verifier, view, { signal })
  if (latestValid === undefined || id >= latestValid) {
    const which = latestValid === id ? "the latest valid checkpoint" : "not below the latest valid checkpoint"
    const message = `checkpoint ${id} is ${which}, and nothing there is ever deleted. Save a newer one first.`
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
