import type { CommitBatch, ObjectBackend, ObjectMeta } from "@ckpt/core"
import { bytesOf } from "../../harness/bytes.js"
import { fail, outcome } from "./check.js"

export const pointerKey = "store/latest"
export const stateKey = (id: number): string => `store/checkpoint-${id}/state`
export const manifestKey = (id: number): string => `store/checkpoint-${id}/manifest`

/** A pointer that is set to this text, whatever it was. */
export function pointer(text: string): NonNullable<CommitBatch["pointer"]> {
  return { key: pointerKey, decide: () => bytesOf(text) }
}

export function commitOf(backend: ObjectBackend): NonNullable<ObjectBackend["commit"]> {
  return backend.commit?.bind(backend) ?? fail("commit", "a method", undefined)
}

/**
 * A commit in the shape of a checkpoint. A backend may answer any batch with "unsupported"; then the case has nothing
 * to check, and the table says so.
 */
export async function committed(
  backend: ObjectBackend,
  batch: CommitBatch,
  note: (text: string) => void,
): Promise<ObjectMeta[] | undefined> {
  const answer = await commitOf(backend)(batch)
  if (answer !== "unsupported") return answer
  note('a checkpoint in one folder is answered "unsupported"')
  return undefined
}

/** The refusal of a commit: an error, or "unsupported". A commit that succeeds fails the case. */
export async function refusal(backend: ObjectBackend, batch: CommitBatch) {
  const { value, error } = await outcome(commitOf(backend)(batch))
  return error ?? (value === "unsupported" ? value : fail("a commit over a key that exists", "a refusal", value))
}
