import type { IncomingMessage, ServerResponse } from "node:http"
import { invalid } from "../errors.js"

/** One request, taken apart, and the response to it. */
export interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly method: string
  /** The path, split at "/" and then decoded: an object's name is one segment, even with slashes in it. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
  /** `http://host:port` as the client wrote it, for links back to this server. */
  readonly origin: string
}

/** @throws {ServiceError} 400 for a path that cannot be decoded */
export function readCall(request: IncomingMessage, response: ServerResponse): Call {
  const url = request.url ?? "/"
  const queryAt = url.indexOf("?")
  const path = queryAt === -1 ? url : url.slice(0, queryAt)
  return {
    request,
    response,
    method: request.method === "HEAD" ? "GET" : (request.method ?? ""),
    path: path.split("/").slice(1).map(decode),
    query: new URLSearchParams(queryAt === -1 ? "" : url.slice(queryAt + 1)),
    origin: `http://${request.headers.host ?? "localhost"}`,
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw invalid(`Invalid URL encoding: ${segment}`)
  }
}

/** A header that may come only once. */
export function header(call: Call, name: string): string | undefined {
  const value = call.request.headers[name]
  return Array.isArray(value) ? value.join(",") : value
}

/** A header that is a number of bytes; `undefined` if absent. @throws {ServiceError} 400 */
export function lengthHeader(call: Call, name: string): number | undefined {
  const text = header(call, name)
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw invalid(`Invalid value for header ${name}: '${text}'`)
  return Number(text)
}
