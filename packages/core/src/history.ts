import type { CommitContext } from "./commit.js"
import type { FoundManifest } from "./examine.js"
import { countsAs, type Pointer } from "./pointer.js"
import type { Survey } from "./survey.js"

/**
 * Whether a checkpoint counts whose manifest was read beside the pointer, or after it. The manifest that the listing before
 * them showed was there when the pointer was read. Another one may have come since: a writer that does not know that
 * retention removed an id may take it once more. By the new pointer its save is refused; by the old one it would count.
 */
export async function countsByNow(
  context: CommitContext,
  id: number,
  { manifest, meta }: Pick<FoundManifest, "manifest" | "meta">,
  { survey, pointer }: { readonly survey: Survey; readonly pointer: Pointer },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const epoch = manifest?.writer?.epoch
  if (!countsAs(id, epoch, pointer)) return false
  // Damage is said as such, whoever wrote it.
  if (manifest === undefined || meta?.version === survey.manifests.get(id)?.version) return true
  return countsAs(id, epoch, await context.pointer.read(signal, survey.claims))
}
