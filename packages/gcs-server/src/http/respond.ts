import type { OutgoingHttpHeaders, ServerResponse } from "node:http"
import type { ServiceError } from "../errors.js"
import type { Call } from "./call.js"
import { selectFields } from "./fields.js"

const jsonType = "application/json; charset=UTF-8"
const textType = "text/html; charset=UTF-8"

/** A resource, or the part of it that the call asks for by `fields`. */
export function sendJson(call: Call, body: Record<string, unknown>, headers: OutgoingHttpHeaders = {}): void {
  const selected = selectFields(body, call.query.get("fields"))
  send(call.response, 200, jsonType, JSON.stringify(selected), headers)
}

/** A response without a body: 204, 304, 308 and the like. */
export function sendEmpty(response: ServerResponse, status: number, headers: OutgoingHttpHeaders = {}): void {
  response.writeHead(status, status === 204 || status === 304 ? headers : { "content-length": 0, ...headers })
  response.end()
}

/** @param form the service answers plain text where the bytes of an object were asked for */
export function sendError(response: ServerResponse, error: ServiceError, form: "json" | "text"): void {
  const { status, reason, message, at, headers } = error
  const body = { error: { code: status, message, errors: [{ message, domain: "global", reason, ...at }] } }
  if (status === 304) sendEmpty(response, status, headers)
  else if (form === "text") send(response, status, textType, message, headers)
  else send(response, status, jsonType, JSON.stringify(body), headers)
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: OutgoingHttpHeaders,
): void {
  const bytes = Buffer.from(text)
  response.writeHead(status, { "content-type": type, "content-length": bytes.length, ...headers })
  response.end(bytes)
}
