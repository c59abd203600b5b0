import { CheckpointError } from "../errors.js"
import { type ClaimAtOnce, checkStoreOptions } from "../store-options.js"
import { type CheckpointStore, type LeaderStore, type OpenOptions, openShape } from "./api.js"
import { PlainStore } from "./plain.js"

/**
 * Opens a store. No request is made before the first call, unless `claim: true` is given.
 *
 * @throws {CheckpointError} `CKPT_INVALID` if an option cannot be used; with `claim: true` also the codes of `claim()`, and then
 *   everything is closed
 */
export function openCheckpointStore(options: OpenOptions & ClaimAtOnce): Promise<LeaderStore>
export function openCheckpointStore(options: OpenOptions): Promise<CheckpointStore>
export async function openCheckpointStore(
  options: OpenOptions & Partial<ClaimAtOnce>,
): Promise<CheckpointStore | LeaderStore> {
  checkStoreOptions("openCheckpointStore", options, openShape)
  if (options?.backend === undefined) {
    throw new CheckpointError(
      "CKPT_INVALID",
      "openCheckpointStore: backend is missing; give { backend }, a storage such as new FsBackend(root).",
    )
  }
  const { claim, ...rest } = options
  const store = new PlainStore(rest)
  return claim === true ? store.claimAtOnce() : store
}
