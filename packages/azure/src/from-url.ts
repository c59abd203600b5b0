import type { StoragePlace } from "@ckpt/core"
import { aString, checkOptions, parseObjectUrl, type ShapeOf } from "@ckpt/core/adapter"
import { AzureBackend, type AzureBackendOptions, aChecksum } from "./backend.js"
import { type AzureAccountOptions, accountFields, assertPrefix, invalid, openContainer } from "./client.js"
import { loadSdk } from "./sdk.js"

/** How to reach the account that the URL names. Give one secret at most; the environment's is used otherwise. */
export interface AzureUrlOptions
  extends Omit<AzureAccountOptions, "container">,
    Pick<AzureBackendOptions, "transactionalChecksums"> {
  /** A key of the account. */
  accountKey?: string | undefined
  /** A shared access signature. */
  sasToken?: string | undefined
  /** Default: `https://<account>.blob.core.windows.net`. */
  accountUrl?: string | undefined
}

const { container: _, ...ofAccount } = accountFields
const fields: ShapeOf<AzureUrlOptions>["fields"] = {
  ...ofAccount,
  accountKey: aString,
  sasToken: aString,
  transactionalChecksums: aChecksum,
}

/**
 * A place in a container, by its URL: `az://account/container/prefix`. Without a client or a secret, it takes
 * `AZURE_STORAGE_CONNECTION_STRING` of the environment, or `DefaultAzureCredential` of `@azure/identity`. Loads the SDK, and makes no
 * request.
 *
 * @param url text: nothing in it is decoded
 * @throws {CheckpointError} `CKPT_INVALID` for a URL or options that cannot be used, or that are of two accounts, and without the SDK;
 *   `CKPT_UNSUPPORTED` with an SDK that is too old
 */
export async function fromUrl(url: string, options: AzureUrlOptions = {}): Promise<StoragePlace> {
  const { account, container: name, prefix } = parseObjectUrl(url, "az", ["account", "container"])
  assertPrefix(prefix)
  checkOptions("fromUrl", options, { fields })
  const { transactionalChecksums, ...given } = options
  const { container, dispose } = await openContainer({ container: name, ...(await accountOptions(account, given)) })
  const { accountName } = container
  // The name is empty for an address of one's own, which does not show it.
  if (accountName !== "" && accountName !== account) {
    dispose()
    const { client, accountUrl } = given
    const from = client ? "the client" : accountUrl ? "accountUrl" : "the connection string"
    const advice = `write az://${accountName}/…, or give what is of ${account}`
    throw invalid(`${from} is of the account ${accountName}, and the URL of ${account}; ${advice}`)
  }
  return { backend: new AzureBackend(container, { dispose, transactionalChecksums }), prefix, ownsBackend: true }
}

async function accountOptions(account: string, options: AzureUrlOptions): Promise<AzureAccountOptions> {
  const { client, connectionString, credential, accountKey, sasToken, accountUrl } = options
  const given = Object.entries({ client, connectionString, credential, accountKey, sasToken })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name)
  if (given.length > 1) throw invalid(`${given.join(" and ")} are given; give one of them`)
  const address = accountUrl ?? `https://${account}.blob.core.windows.net`
  if (accountKey !== undefined) {
    const { StorageSharedKeyCredential } = await loadSdk()
    return { accountUrl: address, credential: new StorageSharedKeyCredential(account, accountKey) }
  }
  if (sasToken !== undefined) return { accountUrl: `${address}?${sasToken.replace(/^\?/, "")}` }
  if (client !== undefined || connectionString !== undefined) return { client, connectionString, accountUrl }
  const isInEnvironment = credential === undefined && accountUrl === undefined
  if (isInEnvironment && process.env["AZURE_STORAGE_CONNECTION_STRING"]) return {}
  return { accountUrl: address, credential }
}
