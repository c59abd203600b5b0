import { CheckpointError } from "@ckpt/core"
import type { Context } from "./context.js"
import { checkpointKey } from "./keys.js"
import type { Listed } from "./names.js"

export function isDamage(error: unknown): error is CheckpointError {
  return error instanceof CheckpointError && error.code === "CKPT_CORRUPT"
}

/**
 * Tells of a checkpoint that does not verify, and is passed over.
 *
 * @param threadId `undefined` if the call named none
 */
export function tellDamaged(
  { tell }: Context,
  { base, checkpointId }: Listed,
  threadId: string | undefined,
  error: unknown,
): void {
  tell({ type: "damaged", threadId, checkpointId, key: checkpointKey(base), error })
}
