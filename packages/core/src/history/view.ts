import type { HistoryContext } from "../commit/commit.js"
import { countsAs } from "../format/pointer.js"
import type { FoundManifest } from "../verify/verify.js"
import type { Survey } from "./listing.js"

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
