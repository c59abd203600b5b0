import { BackendError, CheckpointError } from "../errors.js"
import type { StateFeed, StateInfo } from "../state/feed.js"
import { isTimeout } from "../storage/attempt.js"
import type { ObjectMeta } from "../storage/backend.js"
import { createOnce } from "../storage/create-once.js"
import type { Place } from "../storage/place.js"
import { assertDurable, conflict, unknownOutcome } from "./outcome.js"

/** A state that is there. */
export interface StoredState extends StateInfo {
  /** Of its object. A state that was removed and written anew has another version. */
  readonly version: string
}

/**
 * Creates a state, if no state is there. A state that is there already is taken over, if it has the same bytes.
 *
 * @param replaces the version of a damaged state, in whose place it comes
 * @throws {CheckpointError} `CKPT_CONFLICT` if a state with other bytes is there: the id is burnt
 */
export async function createState(
  place: Place,
  id: number,
  feed: StateFeed,
  signal: AbortSignal | undefined,
  replaces?: string,
): Promise<StoredState> {
  const when = replaces === undefined ? "absent" : { version: replaces }
  const created = await createOnce(place.storage, place.layout.stateKey(id), feed, { when, signal })
  if (created.outcome === "created") return { ...feed.info(), version: created.meta.version }
  const { cause } = created
  if (cause.unsettleable) throw unknownOutcome(place, id, cause)
  await feed.drain()
  const version = await settleState(place, id, feed.info(), signal, cause)
  if (version !== undefined) {
    // A storage that refuses has found a durable state. A reading alone has not.
    if (created.outcome === "unknown") await assertDurable(place, id, [place.layout.stateKey(id)], cause, signal)
    return { ...feed.info(), version }
  }
  // No state is there, and no manifest was written yet: the save has failed for certain.
  const message = `the state of checkpoint ${id} could not be written: ${cause.message}. Save again, or take nextId().`
  const code = isTimeout(cause) ? "CKPT_TIMEOUT" : "CKPT_IO"
  throw new CheckpointError(code, message, { ...place.state(id), retryable: true, cause })
}

/**
 * Settles a failed create by reading the key. Gives the version of our state; `undefined`: no state is there.
 *
 * @throws {CheckpointError} `CKPT_CONFLICT` if other bytes are there, `CKPT_UNKNOWN_OUTCOME` if the key cannot be read
 */
export async function settleState(
  place: Place,
  id: number,
  ours: StateInfo,
  signal: AbortSignal | undefined,
  cause: BackendError,
): Promise<string | undefined> {
  const key = place.layout.stateKey(id)
  let stored: { size: number; hex(): string } | undefined
  let version: string | undefined
  try {
    const onOpen = (meta: ObjectMeta) => {
      version = meta.version
    }
    stored = await place.storage.digest(key, { signal, onOpen })
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof BackendError && error.kind === "damaged")
      throw conflict(place, id, `its state cannot be read (${error.message})`)
    throw unknownOutcome(place, id, cause)
  }
  if (stored === undefined) return undefined
  if (stored.size === ours.size && stored.hex() === ours.checksum) return version
  throw conflict(place, id, "a state with other bytes is there")
}
