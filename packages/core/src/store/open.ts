import { CheckpointError } from "../errors.js"
import { checkStoreOptions } from "../store-options.js"
import { type CheckpointStore, type OpenOptions, openShape } from "./api.js"
import { PlainStore } from "./plain.js"

/**
 * Opens a store. No request is made before the first call.
 *
 * @throws {CheckpointError} `CKPT_INVALID` if an option cannot be used
 */
export async function openCheckpointStore(options: OpenOptions): Promise<CheckpointStore> {
  checkStoreOptions("openCheckpointStore", options, openShape)
  if (options?.backend === undefined) {
    throw new CheckpointError(
      "CKPT_INVALID",
      "openCheckpointStore: backend is missing; give { backend }, a storage such as new FsBackend(root).",
    )
  }
  return new PlainStore(options)
}
