import { type CheckpointStore, openCheckpointStore } from "@ckpt/core"
import type { GcsClient } from "./client.js"
import { GcsBackend } from "./gcs-backend.js"
import { type GcsStoreOptions, invalid, type SplitOptions, splitOptions } from "./options.js"

export * from "@ckpt/core"
export type { GcsClient, GcsTransporter } from "./client.js"
export { GcsBackend, type GcsBackendOptions } from "./gcs-backend.js"
export type { GcsStoreOptions }

/**
 * Opens a store in a bucket of Google Cloud Storage. No request is made before the first operation; the bucket must
 * exist by then.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used
 */
export async function openGcsStore(options: GcsStoreOptions): Promise<CheckpointStore> {
  const { client, clientOptions, backendOptions, storeOptions } = splitOptions(options)
  const backend = new GcsBackend({ ...backendOptions, client: client ?? (await newClient(clientOptions)) })
  return openCheckpointStore({ layout: "objects", ...storeOptions, backend, ownsBackend: true })
}

/** The client is loaded when it is needed: whoever brings one does not pay for a second. */
async function newClient(options: SplitOptions["clientOptions"]): Promise<GcsClient> {
  let library: typeof import("@google-cloud/storage")
  try {
    library = await import("@google-cloud/storage")
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error
    throw invalid("@google-cloud/storage is not installed: npm install @google-cloud/storage, or pass a client.")
  }
  return new library.Storage(options)
}
