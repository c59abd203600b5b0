import { BackendError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { noPointer } from "../format/pointer.js"
import type { Advance } from "../history/advances.js"
import type { History } from "../history/history.js"
import { mayCount } from "../history/rule.js"
import type { Committed } from "./job.js"
import { conflict, unknownOutcome } from "./outcome.js"

/** Moves the pointer, and acknowledges the save unless the floor, which is in the pointer, excludes its id. */
export async function acknowledge(
  history: History,
  manifest: CheckpointManifest,
  outcome: "created" | "existed",
): Promise<Committed> {
  const id = manifest.checkpointId
  let advance: Advance
  try {
    advance = await history.pointer.advance(id)
  } catch (error) {
    if (!(error instanceof BackendError)) throw error
    // A backend with claims of its own (the filesystem) refuses this way. The manifest was written before the new claim, so
    // the new leader sees it: the checkpoint is saved. Only the pointer may no longer be moved by us.
    if (error.kind === "fenced") return { outcome, isLatest: false, manifest, pointer: noPointer }
    throw unknownOutcome(history.place, id, error)
  }
  if (!mayCount(id, advance.pointer))
    throw conflict(history.place, id, `retention removed ids up to ${advance.pointer.floor}`)
  return { outcome, isLatest: advance.isLatest, manifest, pointer: advance.pointer }
}
