import { Agent as HttpAgent } from "node:http"
import { Agent as HttpsAgent } from "node:https"
import { Readable } from "node:stream"
import { BackendError } from "@ckpt/core"
import { untilAborted } from "@ckpt/core/adapter"
import type { GcsClient, GcsTransporter } from "./client.js"
import { credentialsError } from "./errors.js"
import { httpFetch } from "./http-fetch.js"

export interface GcsRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | undefined
  readonly signal?: AbortSignal | undefined
}

/** An answer of any status. Read its body to the end or destroy it: either gives the connection back. */
export interface GcsResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: Readable
}

/**
 * HTTP requests, each sent once, by a client's own credentials and transport.
 *
 * The methods of `File` and `Bucket` do not serve:
 * - Their requests take no signal, so that a request that hangs keeps its socket for ever.
 * - They repeat requests below core's own retry.
 * - A 412 has three shapes.
 * - On Node 24 and newer a 503 in answer to a download ends the process.
 *
 * Beneath them, in both major versions of the client, lies the transport of google-auth-library (gaxios). It takes a
 * signal, sends a request once, and hands every status over.
 */
export class GcsTransport {
  readonly #client: GcsClient
  readonly #withoutCredentials: boolean
  #plain: GcsTransporter | undefined
  // Without an agent the transport opens a new connection for each request.
  readonly #agents = {
    "http:": new HttpAgent({ keepAlive: true, timeout: idleMs }),
    "https:": new HttpsAgent({ keepAlive: true, timeout: idleMs }),
  }

  constructor(client: GcsClient) {
    this.#client = client
    this.#withoutCredentials = client.customEndpoint === true && !usesCredentials(client)
  }

  /**
   * Rejects with the signal's reason, with a `BackendError` if there are no credentials, or with the network's own
   * error.
   */
  async send(request: GcsRequest): Promise<GcsResponse> {
    const { signal } = request
    signal?.throwIfAborted()
    try {
      const { transporter, authorization } = await untilAborted(this.#authorize(request.url), signal)
      const options = this.#prepare(request, authorization, transporter)
      const { status, headers, data } = await untilAborted(transporter.request(options), signal)
      // For an answer without a body gaxios returns an empty text.
      const body = data instanceof Readable ? data : Readable.from([])
      return { status, headers: new Headers(headers as Record<string, string>), body }
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  }

  /** Closes every connection. */
  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }

  async #authorize(url: string) {
    const { authClient } = this.#client
    if (this.#withoutCredentials) {
      // An emulator gets the transport of a client without credentials. The key is never sent.
      this.#plain ??= authClient.fromAPIKey("none").transporter
      return { transporter: this.#plain, authorization: {} }
    }
    try {
      const { transporter } = await authClient.getClient()
      const headers = new Headers(await authClient.getRequestHeaders(url))
      return { transporter, authorization: Object.fromEntries(headers) }
    } catch (error) {
      throw credentialsError(error)
    }
  }

  #prepare(
    request: GcsRequest,
    authorization: Record<string, string>,
    transporter: GcsTransporter,
  ): Record<string, unknown> {
    const { method, url, body, signal } = request
    const interceptors = this.#client.getRequestInterceptors?.() ?? []
    const { uri, headers } = interceptors.reduce((options, intercept) => intercept(options), {
      method,
      uri: url,
      headers: { "User-Agent": userAgent(this.#client), ...request.headers, ...authorization },
    })
    return {
      method,
      url: uri,
      headers,
      ...(body === undefined ? {} : { data: body }),
      ...(signal === undefined ? {} : { signal }),
      responseType: "stream",
      validateStatus: () => true,
      retry: false,
      fetchImplementation: transporter.defaults?.fetchImplementation ?? httpFetch,
      ...(hasOwnRoute(transporter) ? {} : { agent: this.#agents[uri.startsWith("http:") ? "http:" : "https:"] }),
    }
  }
}

/** A router on the way may forget a connection that nobody used for so long. */
const idleMs = 60_000

/** The body as text. Rejects if it ends early or is longer than any answer in JSON. */
export async function readText({ body }: GcsResponse): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > longestText) throw new BackendError("transient", `an answer of more than ${longestText} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const longestText = 16 * 1024 * 1024

/**
 * Whether credentials are sent to a custom endpoint: not to an emulator, but to Google's own private and regional
 * endpoints.
 */
function usesCredentials({ apiEndpoint, useAuthWithCustomEndpoint, universeDomain }: GcsClient): boolean {
  if (useAuthWithCustomEndpoint !== undefined) return useAuthWithCustomEndpoint
  const { hostname } = new URL(apiEndpoint)
  return ["googleapis.com", universeDomain ?? "googleapis.com"].some((domain) => `.${hostname}`.endsWith(`.${domain}`))
}

/** Whether the transport has a proxy, or an agent of the user's own. It uses them only if no agent is given. */
function hasOwnRoute({ defaults }: GcsTransporter): boolean {
  const { env } = process
  const proxy = env["HTTPS_PROXY"] || env["https_proxy"] || env["HTTP_PROXY"] || env["http_proxy"]
  return Boolean(proxy || defaults?.agent || defaults?.proxy)
}

function userAgent({ providedUserAgent }: GcsClient): string {
  return providedUserAgent === undefined ? "ckpt-gcs" : `${providedUserAgent} ckpt-gcs`
}
