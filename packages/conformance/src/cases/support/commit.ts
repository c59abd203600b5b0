import type { CommitBatch, ObjectBackend, ObjectMeta } from "@ckpt/core"
import { bytesOf } from "../../harness/bytes.js"
import { fail, outcome } from "./check.js"

export const pointerKey = "store/latest"
export const stateKey = (id: number): string => `store/checkpoint-${id}/state`
export const manifestKey = (id: number): string => `store/checkpoint-${id}/manifest`

/** A pointer that is moved to this text whatever is there. */
export function pointer(text: string): NonNullable<CommitBatch["pointer"]> {
  return { key: pointerKey, decide: () => bytesOf(text) }
}

export function commitOf(backend: ObjectBackend): NonNullable<ObjectBackend["commit"]> {
  return backend.commit?.bind(backend) ?? fail("commit", "a method", undefined)
}

/**
 * A commit in the shape of a checkpoint. A backend may say of any batch that it cannot do it at once; then the case has
 * nothing to look at, and the table says so.
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

/** Whether it was refused: as a condition that does not hold, or as a batch that it cannot do. */
export async function refusal(backend: ObjectBackend, batch: CommitBatch) {
  const { value, error } = await outcome(commitOf(backend)(batch))
  return error ?? (value === "unsupported" ? value : fail("a commit over a key that exists", "a refusal", value))
}
