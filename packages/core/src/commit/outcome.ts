import { BackendError, CheckpointError } from "../errors.js"
import type { Stored } from "../storage/known-durable.js"
import type { Place } from "../storage/place.js"

/** The id is taken, for certain: `why` completes "checkpoint 7 is taken: …". */
export function conflict(place: Place, id: number, why: string): CheckpointError {
  const message = `checkpoint ${id} is taken: ${why}. This id is burnt: take nextId() and save again, or call saveNext().`
  return new CheckpointError("CKPT_CONFLICT", message, place.manifest(id))
}

/** Nobody knows whether the write took effect, or will. */
export function unknownOutcome(place: Place, id: number, cause: unknown): CheckpointError {
  const message =
    `nobody knows whether checkpoint ${id} was written: ${cause instanceof Error ? cause.message : String(cause)}. ` +
    "It may become visible later. Save the same manifest object again to find out, or take nextId(). A leader may also claim() anew."
  return new CheckpointError("CKPT_UNKNOWN_OUTCOME", message, { ...place.manifest(id), retryable: true, cause })
}

/**
 * Resolves once the objects of a save are durable. To be called before a save is acknowledged whose answer was lost, and whose
 * objects a reading found.
 *
 * @param lost the failure of the write
 * @throws {CheckpointError} `CKPT_UNKNOWN_OUTCOME` if nobody can know that they are durable
 */
export async function assertDurable(
  place: Place,
  id: number,
  keys: readonly string[],
  lost: BackendError,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await place.storage.confirm(keys, lost, signal)
  } catch (error) {
    throw error instanceof BackendError ? unknownOutcome(place, id, error) : error
  }
}

/**
 * As {@link assertDurable}, for objects that a reading alone has found: the call that wrote them may have been told that nobody knows.
 */
export async function assertFoundDurable(
  place: Place,
  id: number,
  found: readonly (Stored | undefined)[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const objects = found.filter((one) => one !== undefined)
  try {
    await place.storage.assertDurable(objects, signal)
  } catch (error) {
    throw error instanceof BackendError && error.kind === "ambiguous" ? unknownOutcome(place, id, error) : error
  }
}
