import { BackendError, CheckpointError } from "../errors.js"
import type { StateFeed, StateInfo } from "../state/feed.js"
import { isTimeout } from "../storage/attempt.js"
import type { Place } from "../storage/place.js"
import { conflict, unknownOutcome } from "./outcome.js"

/**
 * Writes a state if none is there. One that is there already is taken over if it has the same bytes.
 *
 * @throws {CheckpointError} `CKPT_CONFLICT` if it has others: the id is burnt
 */
export async function createState(
  place: Place,
  id: number,
  feed: StateFeed,
  signal: AbortSignal | undefined,
): Promise<StateInfo> {
  const key = place.layout.stateKey(id)
  const lostAnswers = place.storage.lostAnswers(key)
  for (;;) {
    try {
      await place.storage.put(key, feed, { when: "absent", signal })
      return feed.info()
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof BackendError)) throw error
      if (error.kind !== "precondition" && error.kind !== "ambiguous") throw error
      if (error.unsettleable) throw unknownOutcome(place, id, error)
      await feed.drain()
      if (await settleState(place, id, feed.info(), signal, error)) return feed.info()
      // Nothing is there, and no manifest names this state yet: the save failed for certain, or can be tried again.
      if (!feed.reopenable() || !(await lostAnswers.tryAgain(error, signal))) {
        const message = `the state of checkpoint ${id} could not be written: ${error.message}. Take nextId() and save again.`
        throw new CheckpointError(isTimeout(error) ? "CKPT_TIMEOUT" : "CKPT_IO", message, {
          ...place.state(id),
          retryable: true,
          cause: error,
        })
      }
    }
  }
}

/** True: our bytes are there. False: nothing is there. */
export async function settleState(
  place: Place,
  id: number,
  ours: StateInfo,
  signal: AbortSignal | undefined,
  cause: BackendError,
): Promise<boolean> {
  const key = place.layout.stateKey(id)
  let stored: { size: number; hex(): string } | undefined
  try {
    stored = await place.storage.digest(key, { signal })
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof BackendError && error.kind === "damaged")
      throw conflict(place, id, `its state cannot be read (${error.message})`)
    throw unknownOutcome(place, id, cause)
  }
  if (stored === undefined) return false
  if (stored.size === ours.size && stored.hex() === ours.checksum) return true
  throw conflict(place, id, "a state with other bytes is there")
}
