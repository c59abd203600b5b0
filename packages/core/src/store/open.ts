import { CheckpointError } from "../errors.js"
import { type ClaimAtOnce, checkStoreOptions } from "../store-options.js"
import { type Opened, type OpenOptions, openShape } from "./api.js"
import { PlainStore } from "./plain.js"

/**
 * Opens a store. No request is made before the first call, unless `claim: true` is given.
 *
 * @throws {CheckpointError} `CKPT_INVALID` if an option cannot be used; with `claim: true` also the codes of `claim()`, and then
 *   everything is closed
 */
export async function openCheckpointStore<Claim extends boolean | undefined = undefined>(
  options: OpenOptions & ClaimAtOnce<Claim>,
): Promise<Opened<Claim>>
export async function openCheckpointStore(options: OpenOptions & ClaimAtOnce): Promise<Opened<boolean>> {
  checkStoreOptions("openCheckpointStore", options, openShape)
  // A program without types may give nothing.
  if ((options as OpenOptions | undefined)?.backend === undefined) {
    throw new CheckpointError(
      "CKPT_INVALID",
      "openCheckpointStore: backend is missing; give { backend }, a storage such as new FsBackend(root).",
    )
  }
  const { claim, signal, ...rest } = options
  const store = new PlainStore(rest)
  if (claim === true) return store.claimAtOnce({ signal })
  if (signal?.aborted) {
    await store.close()
    throw signal.reason
  }
  return store
}
