import { collect, drain, first } from "./bytes.js"
import { ClientGone } from "./errors.js"
import { type Exchange, only } from "./exchange.js"
import type { Fault } from "./fault.js"
import { apply, relay, statusOf } from "./pass.js"
import type { ServerSide } from "./server-side.js"

/** The server sees a body that breaks off, and the client a reset. */
export async function cutRequest(exchange: Exchange, server: ServerSide, afterBytes: number): Promise<void> {
  const { headers } = exchange.request
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0
  if (hasBody) await server.cut(exchange, first(exchange.body(), afterBytes))
  exchange.reset()
}

/** Takes the whole request, waits, and has it applied, even if the client has gone. */
export async function hold(fault: Fault & { kind: "hold" }, exchange: Exchange, server: ServerSide): Promise<void> {
  exchange.letSend()
  const body = await collect(exchange.body())
  if ("reach" in fault.until) fault.until.reach(exchange.record)
  await server.released(fault.until)
  const answer = await server.ask(exchange, { body: only(body), detached: true })
  if (!exchange.gone) return relay(exchange, answer)
  await drain(answer)
  exchange.serverAnswered(statusOf(answer))
}

/** The first answer goes to the client; then the same request arrives again. */
export async function duplicate(
  fault: Fault & { kind: "duplicate" },
  exchange: Exchange,
  server: ServerSide,
): Promise<void> {
  exchange.letSend()
  const body = await collect(exchange.body())
  const answer = await server.ask(exchange, { body: only(body), detached: true })
  try {
    await relay(exchange, answer)
  } catch (error) {
    if (!(error instanceof ClientGone)) throw error
    answer.resume()
  }
  const { serverAnswered } = exchange.record
  if (fault.until !== undefined) await server.released(fault.until)
  await apply(exchange, server, { body: only(body) })
  if (serverAnswered !== undefined) exchange.serverAnswered(serverAnswered)
}
