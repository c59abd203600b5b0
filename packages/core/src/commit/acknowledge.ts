import { BackendError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { noPointer } from "../format/pointer.js"
import type { Advance } from "../history/advances.js"
import type { History } from "../history/history.js"
import { counts } from "../history/rule.js"
import type { Committed } from "./job.js"
import { conflict, unknownOutcome } from "./outcome.js"

/** Moves the pointer and reads the floor: only an id above it may be acknowledged. */
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
    // The manifest is older than the claim of whoever leads now, who has it too; only the hint cannot be moved any more.
    if (error.kind === "fenced") return { outcome, isLatest: false, manifest, pointer: noPointer }
    throw unknownOutcome(history.place, id, error)
  }
  if (!counts(id, advance.pointer))
    throw conflict(history.place, id, `retention removed ids up to ${advance.pointer.floor}`)
  return { outcome, isLatest: advance.isLatest, manifest, pointer: advance.pointer }
}
