import { anything, type ShapeOf, show } from "@ckpt/core/adapter"
import type { StorageOptions } from "@google-cloud/storage"
import { invalid } from "./errors.js"
import { loadSdk } from "./sdk.js"

/**
 * The part of a `Storage` client that is used: its credentials, its endpoint and its transport. Any object of this
 * shape will do, from whichever copy or version of @google-cloud/storage.
 */
export interface GcsClient {
  /** Without a path: `https://storage.googleapis.com`. */
  readonly apiEndpoint: string
  /** True: the endpoint is not Google's, such as an emulator's. Then no credentials are sent. */
  readonly customEndpoint?: boolean
  /** True: credentials are sent to a custom endpoint too. */
  readonly useAuthWithCustomEndpoint?: boolean | undefined
  /** The domain of the cloud, "googleapis.com" by default. */
  readonly universeDomain?: string | undefined
  /** What a request puts before its own `User-Agent`. */
  readonly providedUserAgent?: string | undefined
  /** The credentials. */
  readonly authClient: GcsAuth
  /** Functions that change each request before it is sent. */
  // biome-ignore lint/complexity/noBannedTypes: @google-cloud/storage declares it so
  getRequestInterceptors?(): Function[]
  /** A new running CRC32C. */
  crc32cGenerator(): GcsChecksum
}

/** The credentials of a client: a `GoogleAuth` of google-auth-library. */
export interface GcsAuth {
  /** The client that signs requests; its transport sends them. */
  getClient(): Promise<GcsAuthClient>
  /** The headers that authorise a request to this address. */
  getRequestHeaders(url: string): Promise<Headers | Record<string, string>>
  /** A client for an API key. */
  fromAPIKey(key: string): GcsAuthClient
}

/** What holds a transport. */
export interface GcsAuthClient {
  /** The transport. */
  readonly transporter: GcsTransporter
}

/** A running CRC32C. */
export interface GcsChecksum {
  /** Takes the next bytes. */
  update(bytes: Buffer): void
  /** The checksum of all bytes so far, in base64. */
  toString(): string
}

/** The transport of a client: a `Gaxios`. */
export interface GcsTransporter {
  /** Sends one request. */
  request(options: object): Promise<GcsAnswer>
  /** What every request of this transport has: the agent, the proxy, the `fetch`. */
  readonly defaults?: GcsTransportDefaults
}

/** What every request of a transport has. */
export interface GcsTransportDefaults {
  /** The agent that holds the sockets. */
  readonly agent?: unknown
  /** The address of a proxy. */
  readonly proxy?: unknown
  /** The `fetch` that sends requests. */
  readonly fetchImplementation?: unknown
}

/** The answer to one request. */
export interface GcsAnswer {
  /** The HTTP status. */
  readonly status: number
  /** The headers, in the form of the version. */
  readonly headers: unknown
  /** The body, in the form that was asked for. */
  readonly data: unknown
}

/** The options of `new Storage()` without retries and time-outs, which core decides. */
export type ClientOptions = Omit<StorageOptions, "retryOptions" | "timeout">

/** Every option of `new Storage()`. The compiler finds one that is missing; one of a later version can be set on a client. */
export const clientFields: ShapeOf<ClientOptions>["fields"] = {
  apiEndpoint: anything,
  apiKey: anything,
  authClient: anything,
  clientOptions: anything,
  crc32cGenerator: anything,
  credentials: anything,
  email: anything,
  interceptors_: anything,
  keyFile: anything,
  keyFilename: anything,
  projectId: anything,
  scopes: anything,
  token: anything,
  universeDomain: anything,
  useAuthWithCustomEndpoint: anything,
  userAgent: anything,
}

/** A new client. The library is loaded only here, so that a caller who brings a client does not pay for a second. */
export async function newClient(options: ClientOptions): Promise<GcsClient> {
  const { Storage } = await loadSdk()
  return new Storage(options)
}

export function assertClient(client: GcsClient | undefined): void {
  if (typeof client?.apiEndpoint === "string" && typeof client.authClient?.getRequestHeaders === "function") return
  const given = client === undefined ? "client is missing" : `client is no Storage client (${show(client)})`
  throw invalid(`${given}: give new Storage() of @google-cloud/storage, or its options instead.`)
}
