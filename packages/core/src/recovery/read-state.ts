import { together } from "../async/concurrency.js"
import { BackendError, CheckpointError } from "../errors.js"
import type { History } from "../history/history.js"
import { openState, type ReadStateOptions, type StateReader, stateSlice } from "../state/reader.js"
import type { OpenedAhead } from "../storage/opened-ahead.js"
import { ownsState } from "../verify/read-manifest.js"

/** The state of a checkpoint; `undefined` if it has none. It is verified if a manifest that counts owns it. */
export async function readState(
  history: History,
  id: number,
  options: ReadStateOptions,
): Promise<StateReader | undefined> {
  const { place } = history
  const { signal, offset = 0, length } = options
  // Of a part nobody knows yet whether it is there.
  const isWhole = offset === 0 && length === undefined
  const ahead = isWhole ? place.storage.openAhead(place.layout.stateKey(id), signal) : undefined
  try {
    const reader = await readerOf(history, id, options, ahead)
    // A caller who reads at once has taken it by then. A connection that waits for a later reader would be one less for others.
    if (ahead !== undefined) setImmediate(() => ahead.close())
    return reader
  } catch (error) {
    ahead?.close()
    throw error
  }
}

async function readerOf(
  history: History,
  id: number,
  options: ReadStateOptions,
  ahead: OpenedAhead | undefined,
): Promise<StateReader | undefined> {
  const { place, verifier } = history
  const { storage, layout } = place
  const { signal } = options
  const stateKey = layout.stateKey(id)
  const look = () => storage.head(stateKey, signal)
  const open = async () => {
    try {
      return await ahead?.meta
    } catch (error) {
      // What cannot be opened may still be described. Its reader says why it cannot be read.
      if (error instanceof BackendError) return undefined
      throw error
    }
  }
  const [found, opened] = await together([verifier.manifest(id, signal), ahead === undefined ? look() : open()])
  const counts = found !== undefined && (await history.counts(id, found.manifest, signal))
  // A save may have ended between the two requests, so a missing state is looked up again, after its manifest.
  const meta = opened ?? (found === undefined ? undefined : await look())
  if (meta === undefined) {
    if (found?.manifest === undefined || ownsState(found.manifest) !== true || !counts) return undefined
    const now = await storage.head(layout.manifestKey(id), signal)
    // The manifest is gone, another has its place, or a late request has put it back: what was read was pruned, state included.
    if (now?.version !== found.meta?.version || !(await history.counts(id, found.manifest, signal))) return undefined
    const message = `the state of checkpoint ${id} is missing. Use recover() to get the latest one that verifies.`
    throw new CheckpointError("CKPT_CORRUPT", message, place.state(id))
  }
  const manifest = found?.manifest
  const owner = manifest !== undefined && counts && ownsState(manifest) !== false ? manifest : undefined
  const size = owner?.stateSize ?? meta.size
  const slice = stateSlice(size, owner, options)
  // What was opened beside the manifest may be the state of an earlier checkpoint with this id. The checksum tells.
  const fits = meta === opened && meta.size === size && slice.checksum !== undefined
  if (!fits) ahead?.close()
  return openState(history, id, slice, options, owner, fits ? ahead : undefined)
}
