import { BackendError } from "../errors.js"
import { newToken } from "../format/ids.js"
import { encodeManifest } from "../format/manifest/encode.js"
import { fatal, type ValidationIssue } from "../format/manifest/issues.js"
import { type CheckpointManifest, MAX_MANIFEST_BYTES } from "../format/manifest/model.js"
import { markedSeen } from "../format/manifest/seen.js"
import type { Current } from "../history/current.js"
import type { History } from "../history/history.js"
import { assertUsable } from "../history/lead.js"
import { swap } from "../storage/swap.js"

/**
 * A leader's last step before it gives a checkpoint to its caller: it still leads, and the manifest is replaced by itself,
 * with the leader's epoch. An update that an older writer has under way then finds another version, and fails.
 *
 * `"again"`: the manifest changed since it was read, so the checkpoint is judged anew. Issues: the manifest cannot be
 * written again, so nothing could keep an old update from it, and it is passed over as damaged.
 *
 * @throws {CheckpointError} `CKPT_FENCED` if another writer leads by now
 */
export async function markSeen(
  history: History,
  manifest: CheckpointManifest,
  version: string | undefined,
  signal: AbortSignal | undefined,
): Promise<CheckpointManifest | "again" | readonly ValidationIssue[]> {
  const current: Current = await history.current(signal)
  assertUsable(history, current)
  if (manifest.seen === history.epoch || manifest.writer?.epoch === history.epoch) return manifest
  const { storage, layout } = history.place
  const marked = markedSeen(manifest, history.epoch, newToken())
  let bytes: Uint8Array
  try {
    bytes = encodeManifest(marked, MAX_MANIFEST_BYTES)
  } catch (error) {
    const message = `the manifest cannot be written again, so a late update cannot be kept from it: ${error instanceof Error ? error.message : String(error)}`
    return [fatal("manifest-corrupt", message)]
  }
  if (version === undefined) return "again"
  try {
    const swapped = await swap(storage, layout.manifestKey(manifest.checkpointId), version, bytes, signal)
    // After a lost answer the next look finds the mark, or marks again.
    return swapped.outcome === "done" ? marked : "again"
  } catch (error) {
    if (!(error instanceof BackendError) || error.kind !== "damaged") throw error
    return [fatal("manifest-corrupt", `the manifest cannot be written again: ${error.message}`)]
  }
}
