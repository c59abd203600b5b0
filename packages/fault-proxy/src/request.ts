import type { IncomingHttpHeaders, IncomingMessage } from "node:http"
import type { Fault, ProxiedRequest } from "./fault.js"

/** A `ProxiedRequest` whose fields the proxy writes. */
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
