import { Agent as HttpAgent } from "node:http"
import { Agent as HttpsAgent } from "node:https"
import type { BlobServiceClient, ContainerClient, newPipeline, StoragePipelineOptions } from "@azure/storage-blob"
import { CheckpointError } from "@ckpt/core"
import { anything, aString, type ShapeOf, show } from "@ckpt/core/adapter"
import { loadSdk } from "./sdk.js"

/** A credential as `@azure/storage-blob` takes it: an account key, a token credential of `@azure/identity`, or none. */
export type AzureCredential = NonNullable<Parameters<typeof newPipeline>[0]>

/**
 * Where the blobs are. Give a client, a connection string or the account's URL; otherwise the environment's is used.
 */
export interface AzureAccountOptions {
  /** The container's name. It must exist. May be left out where `client` is a `ContainerClient`. */
  container?: string | undefined
  /** A ready client, used as it is and left open; its own retries come on top of the store's. */
  client?: ContainerClient | BlobServiceClient | undefined
  /** Default: `AZURE_STORAGE_CONNECTION_STRING` of the environment, if neither `client` nor `accountUrl` is given. */
  connectionString?: string | undefined
  /** `https://<account>.blob.core.windows.net`, with a shared access signature behind it if one is needed. */
  accountUrl?: string | undefined
  /** The credential for `accountUrl`. Default: `DefaultAzureCredential` of `@azure/identity`. */
  credential?: AzureCredential | undefined
}

/** The kinds of {@link AzureAccountOptions}. */
export const accountFields: ShapeOf<AzureAccountOptions>["fields"] = {
  container: anything,
  client: anything,
  connectionString: aString,
  accountUrl: aString,
  credential: anything,
}

export interface OpenedContainer {
  readonly container: ContainerClient
  /** Closes the idle sockets of a client that was made here. */
  dispose(): void
}

/** The client for a container. Makes no request. */
export async function openContainer(options: AzureAccountOptions): Promise<OpenedContainer> {
  const { client, connectionString, accountUrl, credential } = options
  const given = Object.entries({ client, connectionString, accountUrl }).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  )
  if (given.length > 1) throw invalid(`${given.join(" and ")} are given; give one of them`)
  if (credential !== undefined && accountUrl === undefined) throw invalid("credential needs accountUrl beside it")
  if (client !== undefined) return { container: containerOf(client, options.container), dispose: () => {} }
  const name = checkName(options.container)
  const sdk = await loadSdk()
  if (accountUrl !== undefined) {
    const url = containerUrl(accountUrl, name)
    const pipelineCredential =
      credential ?? (url.searchParams.has("sig") ? undefined : await defaultCredential(url.origin))
    if (url.protocol !== "https:" && pipelineCredential !== undefined && "getToken" in pipelineCredential) {
      throw invalid(`accountUrl is ${accountUrl}; a token credential needs https`)
    }
    return ours(
      url.protocol,
      (settings) => new sdk.ContainerClient(url.href, sdk.newPipeline(pipelineCredential, settings)),
    )
  }
  const text = connectionString ?? process.env["AZURE_STORAGE_CONNECTION_STRING"]
  if (!text) {
    throw invalid(
      "no account is given; pass connectionString, accountUrl or client, or set AZURE_STORAGE_CONNECTION_STRING",
    )
  }
  try {
    const { protocol } = new URL(new sdk.ContainerClient(text, name).url)
    return ours(protocol, (settings) => new sdk.ContainerClient(text, name, settings))
  } catch (cause) {
    const from = connectionString === undefined ? "AZURE_STORAGE_CONNECTION_STRING" : "connectionString"
    throw invalid(`${from} cannot be read; copy it from the account's page "Access keys"`, cause)
  }
}

/**
 * A client that makes each request once, since core alone decides about retries. It keeps its sockets alive, and shares
 * them with no other client.
 */
function ours(protocol: string, make: (settings: StoragePipelineOptions) => ContainerClient): OpenedContainer {
  const retryOptions = { maxTries: 1 }
  // A client with an agent would ignore the environment's proxy.
  if (["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"].some((name) => process.env[name] || process.env[name.toLowerCase()])) {
    return { container: make({ retryOptions }), dispose: () => {} }
  }
  const agent = protocol === "http:" ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true })
  // The SDK hands the agent on to its HTTP pipeline, although its type does not name it.
  const settings: StoragePipelineOptions & { agent: typeof agent } = { retryOptions, agent }
  return { container: make(settings), dispose: () => agent.destroy() }
}

function containerOf(client: ContainerClient | BlobServiceClient, name: string | undefined): ContainerClient {
  // The client is known by its shape, not by its class: it may come from another copy of the SDK.
  if (typeof client === "object" && client !== null) {
    if ("getContainerClient" in client) return client.getContainerClient(checkName(name))
  }
  assertContainer(client)
  if (name !== undefined && name !== client.containerName) {
    throw invalid(`container is ${name}, but client is for ${client.containerName}; leave one of them out`)
  }
  return client
}

/** The service drops a dot at the end of a segment, and would list the object under another key. */
export function assertPrefix(prefix: string | undefined): void {
  if (/\.(\/|$)/.test(prefix ?? ""))
    throw invalid(`a segment of prefix ${prefix} ends with a dot, which Azure drops; take another prefix`)
}

export function assertContainer(client: unknown): asserts client is ContainerClient {
  if (typeof client === "object" && client !== null && "getBlockBlobClient" in client && "containerName" in client)
    return
  throw invalid(`client is ${show(client)}, neither a ContainerClient nor a BlobServiceClient of @azure/storage-blob`)
}

function checkName(name: unknown): string {
  if (name === undefined || name === "") throw invalid("container is missing; pass the name of a container that exists")
  if (typeof name !== "string") throw invalid(`container is ${show(name)}; pass the name of a container that exists`)
  if (/[/:]/.test(name)) {
    throw invalid(`container is ${name}; pass its name alone, the account in accountUrl and folders in prefix`)
  }
  if (!/^(\$root|\$web|(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*)$/.test(name)) {
    throw invalid(`container is ${name}; its name has 3 to 63 lower-case letters, digits and single hyphens`)
  }
  return name
}

function containerUrl(accountUrl: string, name: string): URL {
  const url = URL.canParse(accountUrl) ? new URL(accountUrl) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw invalid("accountUrl is no URL; pass https://<account>.blob.core.windows.net")
  }
  if (/\.blob\.[\w.]+$/.test(url.hostname) && url.pathname !== "/") {
    throw invalid(`accountUrl names ${url.pathname}; pass the account alone, the name in container, folders in prefix`)
  }
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/${name}`
  return url
}

async function defaultCredential(address: string): Promise<AzureCredential> {
  // The name is hidden from the compiler: the package is installed only by those who need it.
  const name: string = "@azure/identity"
  try {
    const { DefaultAzureCredential } = (await import(name)) as { DefaultAzureCredential: new () => AzureCredential }
    return new DefaultAzureCredential()
  } catch (cause) {
    throw invalid(`no credential is given for ${address}; pass one, or npm install ${name}`, cause)
  }
}

export function invalid(message: string, cause?: unknown): CheckpointError {
  return new CheckpointError("CKPT_INVALID", `${message}.`, { backend: "azure", cause })
}
