import { BackendError, CheckpointError } from "../errors.js"
import type { StateFeed, StateInfo } from "../state/feed.js"
import { isTimeout } from "../storage/attempt.js"
import type { CommitContext } from "./job.js"
import { conflict, place, unknownOutcome } from "./outcome.js"

/**
 * Writes a state if none is there. One that is there already is taken over if it has the same bytes.
 *
 * @throws {CheckpointError} `CKPT_CONFLICT` if it has others: the id is burnt
 */
export async function createState(
  context: CommitContext,
  id: number,
  feed: StateFeed,
  signal: AbortSignal | undefined,
): Promise<StateInfo> {
  const key = context.layout.stateKey(id)
  const lostAnswers = context.storage.lostAnswers(key)
  for (;;) {
    try {
      await context.storage.put(key, feed, { when: "absent", signal })
      return feed.info()
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof BackendError)) throw error
      if (error.kind !== "precondition" && error.kind !== "ambiguous") throw error
      if (error.unsettleable) throw unknownOutcome(context, id, error)
      await feed.drain()
      if (await settleState(context, id, feed.info(), signal, error)) return feed.info()
      // Nothing is there, and no manifest names this state yet: the save failed for certain, or can be tried again.
      if (!feed.reopenable() || !(await lostAnswers.tryAgain(error, signal))) {
        const message = `the state of checkpoint ${id} could not be written: ${error.message}. Take nextId() and save again.`
        throw new CheckpointError(isTimeout(error) ? "CKPT_TIMEOUT" : "CKPT_IO", message, {
          ...place(context, id),
          key,
          retryable: true,
          cause: error,
        })
      }
    }
  }
}

/** True: our bytes are there. False: nothing is there. */
export async function settleState(
  context: CommitContext,
  id: number,
  ours: StateInfo,
  signal: AbortSignal | undefined,
  cause: BackendError,
): Promise<boolean> {
  const key = context.layout.stateKey(id)
  let stored: { size: number; hex(): string } | undefined
  try {
    stored = await context.storage.digest(key, { signal })
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof BackendError && error.kind === "damaged")
      throw conflict(context, id, `its state cannot be read (${error.message})`)
    throw unknownOutcome(context, id, cause)
  }
  if (stored === undefined) return false
  if (stored.size === ours.size && stored.hex() === ours.checksum) return true
  throw conflict(context, id, "a state with other bytes is there")
}
