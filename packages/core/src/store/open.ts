import type { CheckpointStore, OpenOptions } from "./api.js"
import { Store } from "./store.js"

/** Opens a store. No request is made before the first call. Rejects with `CKPT_INVALID` if an option cannot be used. */
export async function openCheckpointStore(options: OpenOptions): Promise<CheckpointStore> {
  return new Store(options)
}
