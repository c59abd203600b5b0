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
