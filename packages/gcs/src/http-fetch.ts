import * as http from "node:http"
import * as https from "node:https"

interface FetchOptions {
  readonly method?: string
  readonly headers?: Headers | Record<string, string>
  readonly body?: Buffer
  readonly agent?: http.Agent
  readonly signal?: AbortSignal
}

/**
 * Sends the requests of gaxios (its `fetchImplementation`) by Node's own client.
 *
 * The default of gaxios is node-fetch. Version 2 waits for ever for an answer that ends before its content-length, and
 * keeps the connection of a body that was left early. Both versions decompress bodies, and take the 308 of a resumable
 * upload for a redirect. This function does none of it.
 */
export async function httpFetch(url: string | URL, options: FetchOptions): Promise<object> {
  const { method, headers, body, agent, signal } = options
  const target = new URL(url)
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const { request } = target.protocol === "http:" ? http : https
    const settings = { method, headers: Object.fromEntries(new Headers(headers)), agent, signal }
    const sent = request(target, settings as http.RequestOptions)
    // Errors after the answer count too: a service that refuses a body early closes the connection under it.
    sent.on("error", reject)
    sent.once("response", (message) => {
      // A body that fails while nobody reads it must not end the process.
      message.on("error", () => {})
      resolve(message)
    })
    sent.end(body)
  })
  const received = new Headers()
  for (const [name, value] of Object.entries(answer.headers)) received.set(name, String(value))
  return {
    url: target.href,
    status: answer.statusCode,
    statusText: answer.statusMessage,
    headers: received,
    body: answer,
  }
}
