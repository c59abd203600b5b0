import { fatal } from "../format/manifest/issues.js"
import type { Place } from "../storage/place.js"
import type { History } from "./history.js"
import type { View } from "./view.js"

/** What is told of a checkpoint that the pointer names, and that is lost. */
export function missingNamed({ layout }: Place, id: number) {
  const message = `${layout.pointerKey} names checkpoint ${id}, and there is no manifest: it was lost, or removed by another program`
  return { id, key: layout.manifestKey(id), issues: [fatal("manifest-missing", message)] }
}

/**
 * Tells by an event that the checkpoint of the pointer is lost: for readers whose answer has no room for it. Nothing is told
 * if a later checkpoint is listed.
 */
export function tellMissing({ place, emit }: Pick<History, "place" | "emit">, view: View): void {
  const { checkpointId } = view.pointer
  const [latest = 0] = view.latestFirst()
  if (view.lacksNamed && checkpointId > latest) emit({ type: "skipped", ...missingNamed(place, checkpointId) })
}
