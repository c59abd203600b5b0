import {
  type CheckpointStore,
  type ClaimAtOnce,
  type LeaderStore,
  openCheckpointStore,
  type StoreOptions,
} from "@ckpt/core"
import { checkStoreOptions, type ShapeOf } from "@ckpt/core/adapter"
import { MemoryBackend } from "./backend.js"

/** The options of every store, and a backend to share. */
export interface MemoryStoreOptions extends StoreOptions {
  /**
   * A backend to share between several stores. Default: a backend of this store's own, which is gone with the store.
   */
  backend?: MemoryBackend | undefined
}

const own: ShapeOf<Omit<MemoryStoreOptions, keyof StoreOptions>> = {
  fields: {
    backend: { fits: (value) => value instanceof MemoryBackend, give: "a MemoryBackend: new MemoryBackend()" },
  },
}

/**
 * Opens a store in this process's memory.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used
 */
export function openMemoryStore(options: MemoryStoreOptions & ClaimAtOnce): Promise<LeaderStore>
export function openMemoryStore(options?: MemoryStoreOptions): Promise<CheckpointStore>
export async function openMemoryStore(options: MemoryStoreOptions = {}): Promise<CheckpointStore | LeaderStore> {
  checkStoreOptions("openMemoryStore", options, own)
  const { backend, ...rest } = options
  return openCheckpointStore({
    ...rest,
    backend: backend ?? new MemoryBackend(),
    ownsBackend: backend === undefined,
  })
}
