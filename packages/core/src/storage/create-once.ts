import { BackendError } from "../errors.js"
import type { Condition, ObjectMeta } from "./backend.js"
import type { PutBody, Storage } from "./storage.js"

/**
 * - `created`: the object is there, and this call made it.
 * - `taken`: an object was there. With `lost`, it may be ours: the answer to an earlier attempt was lost.
 * - `unknown`: no attempt was answered. The object may appear later.
 *
 * `cause`: for `taken` the answer that was lost, or else the refusal; for `unknown` the last failure.
 */
export type Creation =
  | { readonly outcome: "created"; readonly meta: ObjectMeta }
  | { readonly outcome: "taken" | "unknown"; readonly lost: BackendError | undefined; readonly cause: BackendError }

export interface CreateOptions {
  /** Default `"absent"`. A version: the object takes the place of that version alone; `taken` then says that another is there. */
  readonly when?: Condition | undefined
  /** See {@link Storage.put}. */
  readonly inParts?: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * Creates an object if its key is free. A lost answer is settled by asking again, with the same condition: either the object
 * is created now, or the key is taken, perhaps by the attempt whose answer was lost. Bounded by the retry policy, and by a
 * body that can be read only once.
 *
 * @throws {BackendError} a failure that certainly left nothing
 */
export async function createOnce(
  storage: Storage,
  key: string,
  body: PutBody,
  { when = "absent", signal, inParts }: CreateOptions = {},
): Promise<Creation> {
  const attempts = storage.lostAnswers(key)
  let lost: BackendError | undefined
  for (;;) {
    try {
      return { outcome: "created", meta: await storage.put(key, body, { when, inParts, signal }) }
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof BackendError)) throw error
      if (error.kind === "precondition") return { outcome: "taken", lost, cause: lost ?? error }
      // That a later attempt certainly failed says nothing of the earlier one.
      if (error.kind !== "ambiguous") {
        if (lost === undefined) throw error
        return { outcome: "unknown", lost, cause: error }
      }
      lost = error
      const repeat = !error.unsettleable && body.reopenable() && (await attempts.tryAgain(error, signal))
      if (!repeat) return { outcome: "unknown", lost, cause: error }
    }
  }
}
