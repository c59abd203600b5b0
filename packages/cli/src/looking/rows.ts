import { CheckpointError, type CheckpointManifest, type CheckpointSummary, type StoreOperations } from "@ckpt/core"

/** The manifest; `undefined` if it is damaged, or gone meanwhile. */
export async function load(
  store: StoreOperations,
  id: number,
  signal: AbortSignal | undefined,
): Promise<CheckpointManifest | undefined> {
  try {
    return await store.load(id, { signal })
  } catch (error) {
    if (error instanceof CheckpointError && error.code === "CKPT_CORRUPT") return undefined
    throw error
  }
}

/** Bytes of the states of all operators, or of the one state. */
export function stateBytes({ stateSize, operators = {} }: Pick<CheckpointSummary, "stateSize" | "operators">) {
  if (stateSize === undefined) return undefined
  // What is inline is not in `state.bin`.
  return Math.max(
    stateSize,
    Object.values(operators).reduce((sum, bytes) => sum + bytes, 0),
  )
}

/** What is wrong with a checkpoint: its first fatal issue; otherwise its first warning. */
export function problemOf({ issues }: Pick<CheckpointSummary, "issues">) {
  return issues.find(({ severity }) => severity === "fatal") ?? issues[0]
}
