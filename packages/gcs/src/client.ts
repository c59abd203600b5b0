import type { StorageOptions } from "@google-cloud/storage"
import { invalid } from "./errors.js"

/**
 * What is used of a `Storage` client: its credentials, its endpoint and its transport. Any object of this shape will do,
 * whichever copy or version of @google-cloud/storage it comes from.
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
  // biome-ignore lint/complexity/noBannedTypes: so it is declared there
  getRequestInterceptors?(): Function[]
  crc32cGenerator(): { update(bytes: Buffer): void; toString(): string }
}

export interface GcsTransporter {
  request(options: object): Promise<{ readonly status: number; readonly headers: unknown; readonly data: unknown }>
  readonly defaults?: { readonly agent?: unknown; readonly proxy?: unknown; readonly fetchImplementation?: unknown }
}

/** Without what core decides: retries and time-outs. */
export type ClientOptions = Omit<StorageOptions, "retryOptions" | "timeout">

/** The client is loaded when it is needed: whoever brings one does not pay for a second. */
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
