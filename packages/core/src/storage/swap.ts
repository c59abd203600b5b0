import { BackendError } from "../errors.js"
import type { ObjectMeta, PutOptions } from "./backend.js"
import { bytesBody, type Storage } from "./storage.js"

/** So often a swap is begun anew: each lost race is another writer's finished change, and dozens of writers may be at it. */
export const maxSwaps = 64

/**
 * - `done`: the object has these bytes now.
 * - `moved`: another version is there. Without `lost`, nothing of ours took effect. With `lost`, the answer to an earlier attempt
 *   was lost: ours may be there, or may have been there before the version that is there now.
 * - `unknown`: no attempt was answered. Ours may be there, or may appear later.
 */
export type Swapped =
  | { readonly outcome: "done"; readonly meta: ObjectMeta }
  | { readonly outcome: "moved"; readonly lost: BackendError | undefined }
  | { readonly outcome: "unknown"; readonly lost: BackendError }

/**
 * The failure of a swap that was refused although nobody was first: the object still has the version that was asked for.
 * `undefined` if another version is there. Without this look, a proxy that changes ETags would look like writers without end.
 */
export function ownVersionRefused(key: string, asked: string | undefined, found: string | undefined) {
  if (asked === undefined || asked !== found) return undefined
  const message = `the storage refuses to replace version ${asked} of ${key}, although it tells this version itself (does a proxy change ETags, or compress?)`
  return new BackendError("unsupported", message)
}

/** The condition of a swap: this version is there, or nothing is (`undefined`). */
export function onlyIf(version: string | undefined): Pick<PutOptions, "when" | "weakly"> {
  return version === undefined ? { when: "absent", weakly: true } : { when: { version } }
}

/**
 * Replaces one version of an object, or nothing (`undefined`), by bytes that no other write has: put a new token into them. A
 * lost answer is settled by asking again, with the same condition: either the swap is done now, or another version is
 * there. Whoever reads that version tells by the token whether it is ours. Bounded by the retry policy.
 *
 * @throws {BackendError} a failure that certainly changed nothing
 */
export async function swap(
  storage: Storage,
  key: string,
  version: string | undefined,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<Swapped> {
  const attempts = storage.lostAnswers(key)
  let lost: BackendError | undefined
  for (;;) {
    try {
      return { outcome: "done", meta: await storage.put(key, bytesBody(bytes), { ...onlyIf(version), signal }) }
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof BackendError)) throw error
      if (error.kind === "precondition") return { outcome: "moved", lost }
      if (error.kind !== "ambiguous") {
        if (lost === undefined) throw error
        return { outcome: "unknown", lost: error }
      }
      lost = error
      if (!(await attempts.tryAgain(error, signal))) return { outcome: "unknown", lost }
    }
  }
}
