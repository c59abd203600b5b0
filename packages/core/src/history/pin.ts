/**
 * Pins keep a checkpoint whatever retention says. A pin is an entry in the history, which a prune replaces too: either the
 * prune finds the pin, or the pin finds the floor and is refused.
 */

import { CheckpointError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { show } from "../input/show.js"
import { writerEpochOf } from "../verify/read-manifest.js"
import type { History } from "./history.js"
import { changeable, maxChanges, outpaced } from "./lead.js"
import { counts } from "./rule.js"
import { isDurable } from "./summary.js"
import { type Pin, pinsOf } from "./view.js"

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

export function assertPinName(name: unknown): asserts name is string {
  if (typeof name === "string" && namePattern.test(name)) return
  const shown = typeof name === "string" ? JSON.stringify(name.slice(0, 120)) : show(name)
  const message = `pin name ${shown} cannot be used; give up to 100 letters, digits, ".", "_" and "-", the first a letter or digit.`
  throw new CheckpointError("CKPT_INVALID", message)
}

/**
 * Pins a checkpoint. The manifest is read first, then the history judges it; a swap that succeeds was the judgement of now.
 *
 * @param instead the checkpoint that this name may pin until now, or any: the name moves, in one change
 */
export async function pin(
  history: History,
  id: number,
  name: string,
  signal: AbortSignal | undefined,
  instead: number | "any" = id,
): Promise<void> {
  const { manifest, version } = await manifestThere(history, id, signal)
  const epoch = writerEpochOf(manifest)
  if (!(await isDurable(history.place, { id, version }, undefined, signal))) throw inDoubt(history, id)
  let counted = false
  for (let changes = 0; changes < maxChanges; changes++) {
    const remembered = changes === 0 && mayTake(history, id, epoch, name)
    const current = await changeable(history, signal, remembered)
    const { record } = current
    const taken = record.pins.get(name)
    if (taken !== undefined && taken !== id && instead !== "any" && taken !== instead)
      throw nameTaken(history, id, name, taken)
    // A checkpoint that counted a moment ago was removed since, or is about to be.
    if (!counts(id, epoch, record)) throw counted ? pruned(history, id) : notThere(history, id)
    // Made before, perhaps by a call whose write may still be undone: then it is made again.
    if (taken === id && (await history.isDurable(current, signal))) return
    counted = true
    const next = { ...record, pins: new Map([...record.pins, [name, id]]) }
    if ((await history.change(current, next, signal)) !== undefined) return
  }
  throw outpaced(history, "pin")
}

/** True if the history that is remembered would let this pin be made: then a swap that succeeds on it is enough. */
function mayTake({ file }: History, id: number, epoch: number | undefined, name: string): boolean {
  return file.last !== undefined && counts(id, epoch, file.last.record) && !file.last.record.pins.has(name)
}

/** Removes a pin by its name, whichever checkpoint it holds. False if no pin has that name. */
export async function unpin(history: History, name: string, signal: AbortSignal | undefined): Promise<boolean> {
  for (let changes = 0; changes < maxChanges; changes++) {
    const remembered = changes === 0 && history.file.last?.record.pins.has(name) === true
    const current = await changeable(history, signal, remembered)
    const { record } = current
    if (!record.pins.has(name)) return false
    const pins = new Map([...record.pins].filter(([other]) => other !== name))
    if ((await history.change(current, { ...record, pins }, signal)) !== undefined) return true
  }
  throw outpaced(history, "unpin")
}

export async function listPins(history: History, signal: AbortSignal | undefined): Promise<Pin[]> {
  return pinsOf((await history.current(signal)).record)
}

function nameTaken({ place }: History, id: number, name: string, taken: number): CheckpointError {
  const message = `the name ${name} pins checkpoint ${taken} on ${place.backend} already. unpin(${JSON.stringify(name)}) first, or take another name.`
  return new CheckpointError("CKPT_CONFLICT", message, place.manifest(id))
}

async function manifestThere(
  history: History,
  id: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly manifest: CheckpointManifest; readonly version: string | undefined }> {
  const found = await history.verifier.manifest(id, signal)
  if (found === undefined) throw notThere(history, id)
  if (found.manifest !== undefined) return { manifest: found.manifest, version: found.meta?.version }
  const message = `checkpoint ${id} is damaged, and a pin would not mend it: ${found.issues[0]?.message}. Pin a checkpoint that verifies.`
  throw new CheckpointError("CKPT_CORRUPT", message, history.place.manifest(id))
}

function notThere({ place }: History, id: number): CheckpointError {
  const message = `checkpoint ${id} does not exist, so it cannot be pinned.`
  return new CheckpointError("CKPT_NOT_FOUND", message, place.manifest(id))
}

function inDoubt({ place }: History, id: number): CheckpointError {
  const message = `checkpoint ${id} is there, and an earlier sync failed, so a crash may still undo it, and it was not pinned. Save the same manifest object again to find out, or pin another checkpoint.`
  return new CheckpointError("CKPT_UNKNOWN_OUTCOME", message, place.manifest(id))
}

function pruned({ place }: History, id: number): CheckpointError {
  const message = `checkpoint ${id} was pruned before the pin was made. Pin a newer checkpoint.`
  return new CheckpointError("CKPT_PRUNED", message, place.manifest(id))
}
