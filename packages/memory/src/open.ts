import { type CheckpointStore, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { MemoryBackend } from "./backend.js"

export interface MemoryStoreOptions extends StoreOptions {
  /** Share one backend between several stores. Default: one of this store's own, gone with it. */
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
