import type { StorageOptions } from "@google-cloud/storage"
import { invalid } from "./errors.js"

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

/** A new client. The library is loaded only here, so that a caller who brings a client does not pay for a second. */
export async function newClient(options: ClientOptions): Promise<GcsClient> {
  let library: typeof import("@google-cloud/storage")
  try {
    library = await import("@google-cloud/storage")
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error
    throw invalid("@google-cloud/storage is not installed: npm install @google-cloud/storage, or pass a client.")
  }
  return new library.Storage(options)
}

export function assertClient(client: GcsClient): void {
  if (typeof client?.apiEndpoint === "string" && typeof client.authClient?.getRequestHeaders === "function") return
  throw invalid("client is no Storage client: give new Storage() of @google-cloud/storage, or its options instead.")
}
