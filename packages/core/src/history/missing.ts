import { fatal } from "../format/manifest/issues.js"
import type { Place } from "../storage/place.js"
import type { History } from "./history.js"
import type { View } from "./view.js"

/** What is told of a checkpoint that must be there (see {@link View.lacks}), and is lost. */
export function missing({ layout }: Place, { pointer }: View, id: number) {
  const who = pointer.checkpointId === id ? layout.pointerKey : layout.historyKey
  const message = `${who} names checkpoint ${id}, and there is no manifest: it was lost, or removed by another program`
  return { id, key: layout.manifestKey(id), issues: [fatal("manifest-missing", message)] }
}

/**
 * Tells by an event that a checkpoint which must be there is lost: for readers whose answer has no room for it. Nothing is told
 * if a later checkpoint is listed.
 */
export function tellMissing({ place, emit }: Pick<History, "place" | "emit">, view: View): void {
  const { lacks } = view
  const [latest = 0] = view.latestFirst()
  // On a claimed store a later id may be that of a superseded writer.
  if (lacks !== undefined && (view.record.epoch > 0 || lacks > latest))
    emit({ type: "skipped", ...missing(place, view, lacks) })
}
