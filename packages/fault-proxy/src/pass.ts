import type { IncomingMessage } from "node:http"
import { type Chunks, drain } from "./bytes.js"
import type { Exchange } from "./exchange.js"
import type { AskOptions, ServerSide } from "./server-side.js"

type Change = (chunks: Chunks) => Chunks

/** Forwards the request and passes the answer on, both as they arrive, each body through its change. */
export async function pass(
  exchange: Exchange,
  server: ServerSide,
  change: { request?: Change; answer?: Change } = {},
): Promise<void> {
  const answer = await server.ask(exchange, { body: change.request?.(exchange.body()) })
  await relay(exchange, answer, change.answer)
}

export async function relay(exchange: Exchange, answer: IncomingMessage, change?: Change): Promise<void> {
  const status = statusOf(answer)
  exchange.serverAnswered(status)
  exchange.head(status, answer.statusMessage, answer.rawHeaders)
  await exchange.send(change === undefined ? answer : change(answer))
  exchange.end(answer.rawTrailers)
}

/** Has the server carry the request out, even if the client goes, and takes the whole answer. */
export async function apply(exchange: Exchange, server: ServerSide, options: AskOptions = {}): Promise<void> {
  const answer = await server.ask(exchange, { ...options, detached: true })
  await drain(answer)
  exchange.serverAnswered(statusOf(answer))
}

export function statusOf(answer: IncomingMessage): number {
  return answer.statusCode ?? 0
}
