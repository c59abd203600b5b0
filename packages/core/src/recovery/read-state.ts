import { CheckpointError } from "../errors.js"
import type { History } from "../history/history.js"
import { openState, type ReadStateOptions, type StateReader, stateSlice } from "../state/reader.js"
import { ownsState } from "../verify/read-manifest.js"

/** The bytes beside a manifest, verified where a manifest that counts owns them; `undefined` if there are none. */
export async function readState(
  history: History,
  id: number,
  options: ReadStateOptions,
): Promise<StateReader | undefined> {
  const { place, verifier } = history
  const { storage, layout } = place
  const { signal } = options
  const stateKey = layout.stateKey(id)
  const [found, seen] = await Promise.all([verifier.manifest(id, signal), storage.head(stateKey, signal)])
  const counts = found !== undefined && (await history.counts(id, found.manifest?.writer?.epoch, signal))
  // A save or a prune may have passed between the two looks; only a look after the manifest tells.
  const meta = seen ?? (found === undefined ? undefined : await storage.head(stateKey, signal))
  if (meta === undefined) {
    if (found?.manifest === undefined || ownsState(found.manifest) !== true || !counts) return undefined
    const now = await storage.head(layout.manifestKey(id), signal)
    // Gone, or written anew after the manifest that was read: either way that manifest was pruned.
    if (now?.version !== found.meta?.version) return undefined
    const message = `the state of checkpoint ${id} is missing. Use recover() to get the latest one that verifies.`
    throw new CheckpointError("CKPT_CORRUPT", message, place.state(id))
  }
  const manifest = found?.manifest
  const owner = manifest !== undefined && counts && ownsState(manifest) !== false ? manifest : undefined
  const size = owner?.stateSize ?? meta.size
  const checksum = owner?.stateChecksum ?? undefined
  return openState(place, id, stateSlice(size, checksum, options), options, owner)
}
