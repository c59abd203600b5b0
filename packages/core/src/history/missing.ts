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
 * if a later checkpoint is there.
 *
 * @param latest the latest checkpoint that counts, if the caller knows it. Else a listed one will do, but not on a claimed store,
 *   where a later id may be that of a superseded writer
 */
export function tellMissing(
  { place, emit }: Pick<History, "place" | "emit">,
  view: View,
  latest = view.record.epoch > 0 ? 0 : (view.latestFirst()[0] ?? 0),
): void {
  const { lacks } = view
  if (lacks !== undefined && lacks > latest) emit({ type: "skipped", ...missing(place, view, lacks) })
}
