import type { IncomingHttpHeaders, IncomingMessage } from "node:http"
import type { Fault } from "./fault.js"

/** One request as the proxy saw it. It stays live: the fields after `headers` are filled in as the exchange goes on. */
export interface ProxiedRequest {
  /** Counts from 0, and from 0 again after `resetCounts()`. */
  readonly index: number
  readonly method: string
  /** Decoded, without the query; as it was sent where it cannot be decoded. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** What was done to this request, if a rule matched it. */
  readonly fault?: Fault | undefined
  /** The status that the server gave: known when its answer is complete, or when its head is passed on. */
  readonly serverAnswered?: number | undefined
  /** The status that was sent to the client, if any was. */
  readonly answered?: number | undefined
  /** Bytes of body that came from the client. */
  readonly bytesReceived: number
  /** Bytes of body that were written to the client. */
  readonly bytesSent: number
}

/** The same, writable: for the proxy itself. */
export class RequestRecord implements ProxiedRequest {
  readonly index: number
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  fault: Fault | undefined
  serverAnswered: number | undefined
  answered: number | undefined
  bytesReceived = 0
  bytesSent = 0

  constructor(index: number, message: IncomingMessage) {
    const url = message.url ?? "/"
    const mark = url.indexOf("?")
    this.index = index
    this.method = message.method ?? "GET"
    this.path = decoded(mark < 0 ? url : url.slice(0, mark))
    this.query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1))
    this.headers = message.headers
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
