import { CheckpointError, type ClaimAtOnce, type Opened, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { checkStoreOptions } from "@ckpt/core/adapter"
import { AzureBackend } from "./backend.js"
import { type AzureAccountOptions, accountFields, openContainer } from "./client.js"

/** The options of every store, and where the blobs are. */
export interface AzureStoreOptions extends StoreOptions, AzureAccountOptions {}

/**
 * Opens a store in a container of Azure Blob Storage. Makes no request: if the container does not exist, or the
 * credentials do not reach it, the first operation rejects.
 *
 * @throws {CheckpointError} `CKPT_INVALID` if the options do not say which container of which account, or do so twice, and without
 *   the SDK; `CKPT_UNSUPPORTED` with an SDK that is too old
 */
export async function openAzureStore<Claim extends boolean | undefined = undefined>(
  options: AzureStoreOptions & ClaimAtOnce<Claim>,
): Promise<Opened<Claim>> {
  checkStoreOptions("openAzureStore", options, { fields: accountFields, example: "options: { container, … }" })
  if (options === undefined)
    throw new CheckpointError("CKPT_INVALID", "openAzureStore needs options: { container, … }.")
  // The service drops a dot at the end of a segment, and would list the object under another key.
  if (/\.(\/|$)/.test(options.prefix ?? "")) {
    throw new CheckpointError("CKPT_INVALID", `openAzureStore: a segment of prefix ${options.prefix} ends with a dot.`)
  }
  const { container: name, client, connectionString, accountUrl, credential, ...rest } = options
  const { container, dispose } = await openContainer({
    container: name,
    client,
    connectionString,
    accountUrl,
    credential,
  })
  const backend = new AzureBackend(container, { dispose })
  return openCheckpointStore({ ...rest, backend, ownsBackend: true })
}
