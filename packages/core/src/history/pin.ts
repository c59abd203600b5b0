/**
 * Pins keep a checkpoint whatever retention says. Each pin has two parts: an entry in the pointer, and an object of its
 * own. The entry orders a pin against a prune; the object outlives the pointer; a pin holds if either says so.
 *
 * A pin and a prune both swap the pointer. If the pin is first, the prune finds the entry and spares the checkpoint; if
 * the prune is first, the pin finds the raised floor and is refused. A crash leaves one part, and the same call again
 * mends it: `pin` creates the missing object, `unpin` removes the entry that is left.
 */

import { CheckpointError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { Pin } from "../format/pointer.js"
import { createMarker } from "../storage/create-marker.js"
import { writerEpochOf } from "../verify/read-manifest.js"
import type { History } from "./history.js"
import { counts } from "./rule.js"
import { pinsOf } from "./view.js"

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

export function assertPinName(name: unknown): asserts name is string {
  if (typeof name === "string" && namePattern.test(name)) return
  const shown = typeof name === "string" ? JSON.stringify(name.slice(0, 120)) : String(name)
  const message = `pin name ${shown} cannot be used; give up to 100 letters, digits, ".", "_" and "-", the first a letter or digit.`
  throw new CheckpointError("CKPT_INVALID", message)
}

/**
 * Pins a checkpoint: first the entry, then the object. If the pointer has no room for entries, the object alone is the
 * pin, and it is ordered against the removals of this process alone.
 */
export async function pin(history: History, id: number, name: string, signal: AbortSignal | undefined) {
  const { pointer } = history
  if (!history.pointerHasRoom) {
    const removals = await history.removals(signal)
    return removals.run({ alone: [name], together: [id] }, signal, async () => {
      assertFree(history, pinsOf(await history.lister.pins(signal), { pins: new Map() }), id, name)
      await manifestThere(history, id, signal)
      await createPin(history, id, name, signal)
    })
  }
  const { pins } = await history.lister.pins(signal)
  const epoch = writerEpochOf(await manifestThere(history, id, signal))
  if (!counts(id, epoch, await pointer.read(signal))) throw notThere(history, id)
  await pointer.change((current) => {
    if (pointer.writer !== undefined) pointer.assertLeads(current)
    assertFree(history, pinsOf({ pins }, current), id, name)
    // The checkpoint counted a moment ago, so retention has raised the floor since: it removed the checkpoint, or is
    // about to.
    if (!counts(id, epoch, current)) throw pruned(history, id)
    if (current.pins.get(name) === id) return undefined
    return { checkpointId: Math.max(current.checkpointId, id), pins: new Map([...current.pins, [name, id]]) }
  })
  await createPin(history, id, name, signal)
}

/** Removes a pin by its name, whichever checkpoint it holds. False if no pin has that name. */
export async function unpin(history: History, name: string, signal: AbortSignal | undefined): Promise<boolean> {
  if (history.pointerHasRoom) return removePin(history, name, signal)
  const removals = await history.removals(signal)
  return removals.run({ alone: [name] }, signal, () => removePin(history, name, signal))
}

async function removePin(history: History, name: string, signal: AbortSignal | undefined): Promise<boolean> {
  const { pointer } = history
  const { storage, layout } = history.place
  const listing = await history.lister.pins(signal)
  const keys = listing.pins.filter((one) => one.name === name).map(({ id }) => layout.pinKey(name, id))
  let found = keys.length > 0
  if (history.pointerHasRoom && pointer.writer !== undefined) pointer.assertLeads(await pointer.read(signal))
  // The object goes first. If a crash comes in between, the entry is left, and the checkpoint is still pinned.
  const [failure] = await storage.delete(keys, signal)
  if (failure !== undefined) throw failure.error
  if (history.pointerHasRoom) {
    await pointer.change((current) => {
      if (!current.pins.has(name)) return undefined
      found = true
      return { pins: new Map([...current.pins].filter(([other]) => other !== name)) }
    })
  }
  return found
}

export async function listPins(history: History, signal: AbortSignal | undefined): Promise<Pin[]> {
  const listing = await history.lister.pins(signal)
  return pinsOf(listing, await history.pointer.read(signal))
}

function assertFree(history: History, pins: readonly Pin[], id: number, name: string): void {
  const taken = pins.find((one) => one.name === name && one.id !== id)
  if (taken === undefined) return
  const message = `the name ${name} pins checkpoint ${taken.id} already. unpin(${JSON.stringify(name)}) first, or take another name.`
  throw new CheckpointError("CKPT_CONFLICT", message, history.place.manifest(id))
}

async function manifestThere(
  history: History,
  id: number,
  signal: AbortSignal | undefined,
): Promise<CheckpointManifest> {
  const found = await history.verifier.manifest(id, signal)
  if (found === undefined) throw notThere(history, id)
  if (found.manifest !== undefined) return found.manifest
  const message = `checkpoint ${id} is damaged, and a pin would not mend it: ${found.issues[0]?.message}. Pin a checkpoint that verifies.`
  throw new CheckpointError("CKPT_CORRUPT", message, history.place.manifest(id))
}

function notThere(history: History, id: number): CheckpointError {
  const message = `checkpoint ${id} does not exist, so it cannot be pinned.`
  return new CheckpointError("CKPT_NOT_FOUND", message, history.place.manifest(id))
}

function pruned(history: History, id: number): CheckpointError {
  const message = `checkpoint ${id} was pruned before the pin was made. Pin a newer checkpoint.`
  return new CheckpointError("CKPT_PRUNED", message, history.place.manifest(id))
}

function createPin(history: History, id: number, name: string, signal: AbortSignal | undefined): Promise<void> {
  const { storage, layout } = history.place
  return createMarker(storage, layout.pinKey(name, id), { name, checkpoint_id: id }, signal)
}
