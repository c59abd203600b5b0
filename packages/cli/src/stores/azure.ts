import { lazySdk, type SdkPackage } from "@ckpt/core/adapter"
import type { Connected, ConnectOptions } from "./connect.js"
import { readCredentials } from "./credentials.js"
import { invalid, neededSegment, prefixFrom, type StoreUrl } from "./url.js"

type Sdk = typeof import("@azure/storage-blob")

const loadPackage = lazySdk({ name: "@ckpt/azure", from: import.meta.url, load: () => import("@ckpt/azure") })
const loadSdk = lazySdk<Sdk>({
  name: "@azure/storage-blob",
  from: import.meta.url,
  load: () => import("@azure/storage-blob"),
})

export async function connectAzure(url: StoreUrl, options: ConnectOptions): Promise<Connected> {
  const example = "az://account/container/prefix"
  const account = neededSegment(url, 0, "account", example)
  const container = neededSegment(url, 1, "container", example)
  const prefix = prefixFrom(url, 2)
  // The service drops a dot at the end of a segment, and would list the object under another key.
  if (/\.\//.test(prefix))
    throw invalid(`a segment of ${url.text} ends with a dot, which Azure drops; take another prefix`)
  const given = await readCredentials(options, ["connectionString", "accountKey", "sasToken"])
  const { AzureBackend } = await loadPackage()
  const client = await containerClient(await loadSdk(), {
    account,
    container,
    given: given ?? fromEnv(options.env),
    options,
  })
  return { backend: new AzureBackend(client), prefix, usualLayout: "objects" }
}

interface Secrets {
  readonly connectionString?: string
  readonly accountKey?: string
  readonly sasToken?: string
}

/** The variables are those of Azure's own command. */
function fromEnv(env: NodeJS.ProcessEnv): Secrets {
  const { AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN } = env
  if (AZURE_STORAGE_CONNECTION_STRING) return { connectionString: AZURE_STORAGE_CONNECTION_STRING }
  if (AZURE_STORAGE_KEY) return { accountKey: AZURE_STORAGE_KEY }
  return AZURE_STORAGE_SAS_TOKEN ? { sasToken: AZURE_STORAGE_SAS_TOKEN } : {}
}

interface Wanted {
  readonly account: string
  readonly container: string
  readonly given: Secrets
  readonly options: ConnectOptions
}

async function containerClient(sdk: Sdk, { account, container, given, options }: Wanted) {
  // The store makes the retries.
  const settings = { retryOptions: { maxTries: 1 } }
  const { connectionString, accountKey, sasToken } = given
  if (connectionString !== undefined) {
    const client = readable(() => new sdk.ContainerClient(connectionString, container, settings))
    if (client.accountName === account) return client
    throw invalid(
      `the connection string is of the account ${client.accountName}, and the URL of ${account}; write az://${client.accountName}/…`,
    )
  }
  const base = options.endpoint?.replace(/\/+$/, "") ?? `https://${account}.blob.core.windows.net`
  const address = `${base}/${container}`
  if (accountKey !== undefined) {
    const credential = readable(() => new sdk.StorageSharedKeyCredential(account, accountKey))
    return new sdk.ContainerClient(address, credential, settings)
  }
  if (sasToken !== undefined) {
    return new sdk.ContainerClient(`${address}?${sasToken.replace(/^\?/, "")}`, new sdk.AnonymousCredential(), settings)
  }
  return new sdk.ContainerClient(address, await defaultCredential(), settings)
}

function readable<T>(make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw invalid("the credentials for az: cannot be read; copy them from the account's page Access keys", cause)
  }
}

async function defaultCredential() {
  // The name is hidden from the compiler: the package is installed only by those who need it.
  const name: string = "@azure/identity"
  const identity: SdkPackage<{ DefaultAzureCredential: new () => NonNullable<Parameters<Sdk["newPipeline"]>[0]> }> = {
    name,
    from: import.meta.url,
    load: () => import(name),
  }
  const { DefaultAzureCredential } = await lazySdk(identity)()
  return new DefaultAzureCredential()
}
