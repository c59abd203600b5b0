import { CheckpointError } from "../errors.js"
import type { History } from "../history/history.js"
import { openState, type ReadStateOptions, type StateReader, stateSlice } from "../state/reader.js"
import { ownsState } from "../verify/read-manifest.js"

/** The state of a checkpoint; `undefined` if it has none. It is verified if a manifest that counts owns it. */
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
  const counts = found !== undefined && (await history.counts(id, found.manifest, signal))
  // A save may have ended between the two requests, so a missing state is looked up again, after its manifest.
  const meta = seen ?? (found === undefined ? undefined : await storage.head(stateKey, signal))
  if (meta === undefined) {
    if (found?.manifest === undefined || ownsState(found.manifest) !== true || !counts) return undefined
    const now = await storage.head(layout.manifestKey(id), signal)
    // The manifest is gone, or another manifest has its place: the manifest that was read was pruned, state included.
    if (now?.version !== found.meta?.version) return undefined
    const message = `the state of checkpoint ${id} is missing. Use recover() to get the latest one that verifies.`
    throw new CheckpointError("CKPT_CORRUPT", message, place.state(id))
  }
  const manifest = found?.manifest
  const owner = manifest !== undefined && counts && ownsState(manifest) !== false ? manifest : undefined
  const size = owner?.stateSize ?? meta.size
  return openState(place, id, stateSlice(size, owner, options), options, owner)
}
