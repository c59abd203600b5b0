import { CheckpointError } from "../errors.js"
import type { CommitContext } from "./job.js"

export function place(context: CommitContext, id: number) {
  return { checkpointId: id, key: context.layout.manifestKey(id), backend: context.storage.backend.name }
}

export function conflict(context: CommitContext, id: number, why: string): CheckpointError {
  const message = `checkpoint ${id} is taken: ${why}. This id is burnt; take nextId() and save again.`
  return new CheckpointError("CKPT_CONFLICT", message, place(context, id))
}

export function unknownOutcome(context: CommitContext, id: number, cause: unknown): CheckpointError {
  const message =
    `nobody knows whether checkpoint ${id} was written: ${cause instanceof Error ? cause.message : String(cause)}. ` +
    "It may become visible later. Save the same manifest again to find out, or take nextId()."
  return new CheckpointError("CKPT_UNKNOWN_OUTCOME", message, { ...place(context, id), retryable: true, cause })
}
