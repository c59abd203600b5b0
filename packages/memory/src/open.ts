import { type ClaimAtOnce, type Opened, openCheckpointStore, type StoreOptions } from "@ckpt/core"
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
export async function openMemoryStore<Claim extends boolean | undefined = undefined>(
  options: MemoryStoreOptions & ClaimAtOnce<Claim> = {},
): Promise<Opened<Claim>> {
  checkStoreOptions("openMemoryStore", options, own)
  const { backend, ...rest } = options
  return openCheckpointStore({
    ...rest,
    backend: backend ?? new MemoryBackend(),
    ownsBackend: backend === undefined,
  })
}
