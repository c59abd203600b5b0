import { type CheckpointStore, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { MemoryBackend } from "./backend.js"

export interface MemoryStoreOptions extends StoreOptions {
  /**
   * A backend to share between several stores. Default: a backend of this store's own, which is gone with the store.
   */
  backend?: MemoryBackend | undefined
}

/** Opens a store in this process's memory. */
export function openMemoryStore(options: MemoryStoreOptions = {}): Promise<CheckpointStore> {
  const { backend, ...rest } = options
  return openCheckpointStore({
    ...rest,
    backend: backend ?? new MemoryBackend(),
    ownsBackend: backend === undefined,
  })
}
