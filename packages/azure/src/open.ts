import { CheckpointError, type ClaimAtOnce, type Opened, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { checkStoreOptions } from "@ckpt/core/adapter"
import { AzureBackend, aChecksum } from "./backend.js"
import type { TransactionalChecksums } from "./checksum.js"
import { type AzureAccountOptions, accountFields, assertPrefix, openContainer } from "./client.js"

/** The options of every store, and where the blobs are. */
export interface AzureStoreOptions extends StoreOptions, AzureAccountOptions {
  /**
   * `"md5"`: each block of a state longer than 4 MiB is sent with its MD5, which the service compares. Default: `"none"` over
   * https, where TLS protects the bytes, and `"md5"` over http. The manifest's SHA-256 is checked when a state is read, in any case.
   */
  transactionalChecksums?: TransactionalChecksums | undefined
}

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
  checkStoreOptions("openAzureStore", options, {
    fields: { ...accountFields, transactionalChecksums: aChecksum },
    example: "options: { container, … }",
  })
  if (options === undefined)
    throw new CheckpointError("CKPT_INVALID", "openAzureStore needs options: { container, … }.")
  assertPrefix(options.prefix)
  const { container: name, client, connectionString, accountUrl, credential, transactionalChecksums, ...rest } = options
  const { container, dispose } = await openContainer({
    container: name,
    client,
    connectionString,
    accountUrl,
    credential,
  })
  const backend = new AzureBackend(container, { dispose, transactionalChecksums })
  return openCheckpointStore({ ...rest, backend, ownsBackend: true })
}
