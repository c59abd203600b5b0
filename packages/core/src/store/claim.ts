import { CheckpointError } from "../errors.js"
import { normalizePrefix } from "../format/layout.js"
import { claim } from "../history/claim.js"
import type { Given } from "../history/current.js"
import type { History } from "../history/history.js"
import type { BackendClaim } from "../storage/backend.js"
import type { OpenOptions } from "./api.js"
import { assemble } from "./assemble.js"

/** A claim that was given, and the backend through which its leader writes. */
export interface ClaimedStore extends Pick<OpenOptions, "backend" | "ownsBackend"> {
  readonly given: Given
}

/**
 * Claims a store. Where the storage compares and swaps for all processes, the history alone decides who leads. Elsewhere the
 * backend first makes sure that nobody else can write, and then the history is claimed in the same way.
 *
 * The event `claimed` is told as soon as the claim took effect; `claim-unfinished`, if only the backend's did. After an abort that came
 * too late to end it, the caller gives the lead up.
 */
export async function claimStore(
  history: History,
  options: OpenOptions,
  signal: AbortSignal | undefined,
): Promise<ClaimedStore> {
  const { backend } = options
  if (history.sharesStorage) {
    const given = await claim(history, signal)
    tell(history, given, [])
    // The leader shares this store's backend, so this store closes it.
    return { given, backend, ownsBackend: false }
  }
  const claimed = await claimBackend(history, options, signal)
  const inner = assemble({ ...options, backend: claimed.backend }, undefined)
  try {
    const given = await claim(inner.history, signal)
    tell(history, given, claimed.passedOver ?? [])
    return { given, backend: claimed.backend, ownsBackend: true }
  } catch (error) {
    history.emit({ type: "claim-unfinished", error })
    // A request that was given up still removes its temporary names.
    const { storage } = inner.history.place
    await storage.close()
    await storage.closeBackend()
    throw error
  }
}

function tell(history: History, { lead, stored }: Given, passedOver: readonly string[]): void {
  const { floor } = stored.record
  history.emit({ type: "claimed", epoch: lead.epoch, floor, ...(passedOver.length > 0 && { passedOver }) })
}

/** @throws {CheckpointError} `CKPT_UNSUPPORTED` if the backend has no claims */
async function claimBackend(
  { place }: History,
  { prefix }: OpenOptions,
  signal: AbortSignal | undefined,
): Promise<BackendClaim> {
  const { storage, layout } = place
  const { backend } = storage
  if (backend.claim === undefined) {
    const message = `claim: storage ${backend.name} has no compare-and-swap that holds among processes. Use another storage, or make sure by other means that only one process writes.`
    throw new CheckpointError("CKPT_UNSUPPORTED", message, { backend: backend.name })
  }
  const prefixes = [...new Set([layout.manifestPrefix, layout.statePrefix])]
  const keys = { prefixes, mayHold: (folder: string) => layout.mayHold(folder) }
  return storage.claim(backend.claim, { prefix: normalizePrefix(prefix ?? ""), keys, signal })
}
