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
  readonly customEndpoint?: boolean
  readonly useAuthWithCustomEndpoint?: boolean | undefined
  readonly universeDomain?: string | undefined
  readonly providedUserAgent?: string | undefined
  readonly authClient: {
    getClient(): Promise<{ readonly transporter: GcsTransporter }>
    getRequestHeaders(url: string): Promise<Headers | Record<string, string>>
    fromAPIKey(key: string): { readonly transporter: GcsTransporter }
  }
  // biome-ignore lint/complexity/noBannedTypes: @google-cloud/storage declares it so
  getRequestInterceptors?(): Function[]
  crc32cGenerator(): { update(bytes: Buffer): void; toString(): string }
}

export interface GcsTransporter {
  request(options: object): Promise<{ readonly status: number; readonly headers: unknown; readonly data: unknown }>
  readonly defaults?: { readonly agent?: unknown; readonly proxy?: unknown; readonly fetchImplementation?: unknown }
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
