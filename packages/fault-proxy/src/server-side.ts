import { Agent, type ClientRequest, type IncomingMessage, request as openRequest } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import type { Chunks } from "./bytes.js"
import { ServerGone, Stopped, Unreachable } from "./errors.js"
import { type Exchange, flushHead, write } from "./exchange.js"
import type { Gate } from "./fault.js"
import { flushed } from "./flushed.js"
import { has } from "./headers.js"

// The proxy gives connections up long before a server does. A request on a connection that the server has just closed
// would fail although no rule asked for it.
const idleConnectionMs = 1000

export interface AskOptions {
  /** The body to send in place of the client's. */
  readonly body?: Chunks | undefined
  /** The request goes on when the client has gone, like a request that is already on its way. */
  readonly detached?: boolean | undefined
}

/** The server's side of the proxy. */
export class ServerSide {
  readonly #target: URL
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 1024, timeout: idleConnectionMs })
  readonly #open = new Set<ClientRequest>()
  readonly #stop = new AbortController()

  constructor(target: URL) {
    this.#target = target
  }

  /** Forwards a request; resolves with the head of the answer. */
  ask(exchange: Exchange, options: AskOptions = {}): Promise<IncomingMessage> {
    if (this.#stop.signal.aborted) return Promise.reject(new Stopped())
    const request = this.#send(exchange)
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      let connected = false
      request.on("socket", (socket) => {
        connected = !socket.connecting
        if (connected) return
        socket.once("connect", () => {
          connected = true
        })
      })
      request.on("response", (message) => {
        message.on("error", () => {})
        resolve(message)
      })
      request.on("error", (cause) => {
        reject(
          connected
            ? new ServerGone(`the server's connection ended: ${cause.message}`, { cause })
            : new Unreachable(`${this.#target.origin} cannot be reached: ${cause.message}`, { cause }),
        )
      })
      request.on("close", () => reject(new ServerGone("the server's connection ended")))
    })
    request.on("continue", () => exchange.letSend())
    if (options.detached !== true) exchange.onAbandoned(() => request.destroy())
    flushHead(request)
    exchange.alongside(upload(options.body ?? exchange.body(), request, exchange))
    return answer
  }

  /** Forwards the head and as much of the body as `body` gives, then resets the server's connection. */
  async cut(exchange: Exchange, body: Chunks): Promise<void> {
    const request = this.#send(exchange)
    const connected = new Promise<void>((resolve, reject) => {
      request.once("socket", (socket) => (socket.connecting ? socket.once("connect", resolve) : resolve()))
      request.on("error", (cause) => reject(new Unreachable(`${this.#target.origin}: ${cause.message}`, { cause })))
    })
    request.on("continue", () => exchange.letSend())
    // An answer that comes before the cut is dropped with the connection.
    request.on("response", (message) => message.on("error", () => {}).resume())
    flushHead(request)
    try {
      await connected
      for await (const chunk of body) if (!(await write(request, chunk))) break
      if (request.socket !== null) await flushed(request.socket)
    } finally {
      request.socket?.resetAndDestroy()
      request.destroy()
    }
  }

  async pause(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: this.#stop.signal })
    } catch {
      throw new Stopped()
    }
  }

  released(until: Promise<void> | Gate): Promise<void> {
    return this.unlessStopped("released" in until ? until.released : until)
  }

  /** Waits until a test releases the request, but no longer than the proxy lives. */
  async unlessStopped<T>(work: T | Promise<T>): Promise<T> {
    const { signal } = this.#stop
    if (signal.aborted) throw new Stopped()
    let stop = () => {}
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(new Stopped())
      signal.addEventListener("abort", stop)
    })
    try {
      return await Promise.race([work, stopped])
    } finally {
      signal.removeEventListener("abort", stop)
    }
  }

  stop(): void {
    this.#stop.abort()
    for (const request of this.#open) request.destroy()
    this.#agent.destroy()
  }

  #send(exchange: Exchange): ClientRequest {
    const { method, url, rawHeaders } = exchange.request
    const { hostname, port } = this.#target
    // A POST with neither a length nor an encoding has no body, says HTTP. Node would announce a chunked one.
    const bodyless = !has(rawHeaders, "content-length") && !has(rawHeaders, "transfer-encoding")
    const chunkedByDefault = !["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"].includes(method ?? "GET")
    const headers = bodyless && chunkedByDefault ? [...rawHeaders, "Content-Length", "0"] : rawHeaders
    const request = openRequest({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? 80 : Number(port),
      method,
      path: url,
      headers,
      agent: this.#agent,
    })
    this.#open.add(request)
    request.once("close", () => this.#open.delete(request))
    return request
  }
}

async function upload(body: Chunks, request: ClientRequest, exchange: Exchange): Promise<void> {
  try {
    for await (const chunk of body) {
      if (await write(request, chunk)) continue
      // The server has closed the connection, perhaps after an early answer, which the client must be able to read.
      return await exchange.discardBody()
    }
    const { rawTrailers } = exchange.request
    const pairs: [string, string][] = []
    for (let i = 0; i + 1 < rawTrailers.length; i += 2) pairs.push([rawTrailers[i] ?? "", rawTrailers[i + 1] ?? ""])
    if (pairs.length > 0) request.addTrailers(pairs)
    request.end()
  } catch {
    // The client broke off, so the request to the server breaks off too.
    request.destroy()
  }
}
