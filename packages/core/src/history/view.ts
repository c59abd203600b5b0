import type { Emit } from "../events.js"
import { ascending } from "../format/ids.js"
import type { Pin, Pointer } from "../format/pointer.js"
import type { FoundManifest } from "../verify/read-manifest.js"
import type { HistoryContext } from "./context.js"
import type { Survey } from "./listing.js"
import { counts, countsAs } from "./rule.js"

type Found = Pick<FoundManifest, "manifest" | "meta">

/** Whether a manifest was written after the listing that showed its id. Of a damaged one nobody asks: it is told as such. */
export function cameSince(survey: Survey, id: number, { manifest, meta }: Found): boolean {
  return manifest !== undefined && meta?.version !== survey.manifests.get(id)?.version
}

/**
 * Whether a checkpoint still counts that counts by the pointer that was read after the listing. The manifest that was listed
 * was there by then. Another one may have come since: a writer that does not know that retention removed an id may take it
 * once more. By the new pointer its save is refused; by the old one it would count.
 */
export async function stillCounts(
  context: HistoryContext,
  survey: Survey,
  id: number,
  found: Found,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (!cameSince(survey, id, found)) return true
  return countsAs(id, found.manifest?.writer?.epoch, await context.pointer.read(signal, survey.claims))
}

/** Ascending by id, then by name. */
export function pinsOf(survey: Pick<Survey, "pins">, pointer: Pick<Pointer, "pins">): Pin[] {
  const all = new Map<string, Pin>()
  for (const pin of survey.pins) all.set(`${pin.id} ${pin.name}`, pin)
  for (const [name, id] of pointer.pins) all.set(`${id} ${name}`, { name, id })
  return [...all.values()].sort((a, b) => ascending(a.id, b.id) || (a.name < b.name ? -1 : 1))
}

/** Lists until the listing is no older than the pointer, and reads the pointer after it. */
export async function surveyWithPointer(
  context: HistoryContext,
  signal: AbortSignal | undefined,
): Promise<{ survey: Survey; pointer: Pointer }> {
  let survey = await context.surveyor.everything(signal)
  let pointer = await context.pointer.read(signal, survey.claims)
  if (isBehind(survey, pointer)) {
    survey = await context.surveyor.everything(signal)
    pointer = await context.pointer.read(signal, survey.claims)
  }
  return { survey, pointer }
}

/**
 * True if the listing cannot be the whole truth: the pointer, read after it, names a newer checkpoint than the listing
 * shows. Its pages may have been read while others saved.
 */
export function isBehind(survey: Survey, pointer: Pointer): boolean {
  if (highestOf(survey.manifests.keys()) < pointer.checkpointId) return true
  // Higher ones may be of writers that were superseded: where claims tell the history, its end itself must be there.
  const { claims, checkpointId } = pointer
  return claims.length > 0 && checkpointId > 0 && !survey.manifests.has(checkpointId)
}

/**
 * Whether to list once more: the first listing was behind; or a later one still is, all that it showed was removed
 * meanwhile, and the pointer moved since the last one (`before`), so that it does not name what is lost.
 */
export function mustListAgain(survey: Survey, pointer: Pointer, before: Pointer | undefined): boolean {
  if (!isBehind(survey, pointer)) return false
  if (before === undefined) return true
  for (const id of survey.manifests.keys()) if (counts(id, pointer)) return false
  return pointer.version !== before.version
}

function highestOf(ids: Iterable<number>): number {
  let highest = 0
  for (const id of ids) if (id > highest) highest = id
  return highest
}

/** A stray file with a huge id must not use up the ids, so only ids up to this far above the pointer are believed. */
const believableGap = 2 ** 32

/** The lowest id above everything seen here. */
export function nextIdAfter(survey: Survey, pointer: Pointer, emit: Emit, recovered = 0): number {
  // Without a pointer, the manifests are all there is to go by.
  const base = pointer.checkpointId > 0 ? pointer.checkpointId : highestOf(survey.manifests.keys())
  let highest = Math.max(pointer.checkpointId, pointer.floor, recovered)
  for (const id of [...survey.manifests.keys(), ...survey.states.keys(), ...survey.taken.keys()]) {
    if (id - base > believableGap) emit({ type: "id-ignored", id, pointer: pointer.checkpointId })
    else if (id > highest) highest = id
  }
  return highest + 1
}
