import type { CheckpointStore, OpenOptions } from "./api.js"
import { PlainStore } from "./plain.js"

/** Opens a store. No request is made before the first call. Rejects with `CKPT_INVALID` if an option cannot be used. */
export async function openCheckpointStore(options: OpenOptions): Promise<CheckpointStore> {
  return new PlainStore(options)
}
