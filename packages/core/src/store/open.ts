import type { CheckpointStore, OpenOptions } from "./api.js"
import { Store } from "./store.js"

/** Opens a store. Nothing is created, read or probed before the first call needs it. */
export async function openCheckpointStore(options: OpenOptions): Promise<CheckpointStore> {
  return new Store(options)
}
