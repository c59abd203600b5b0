import { breakMidAnswer, compress, endless, replace, truncate } from "./answer-faults.js"
import { flipped, paced } from "./bytes.js"
import { ClientGone } from "./errors.js"
import type { Exchange } from "./exchange.js"
import type { Fault } from "./fault.js"
import { apply, pass } from "./pass.js"
import { cutRequest, duplicate, hold } from "./request-faults.js"
import type { ServerSide } from "./server-side.js"

/** Carries one request through, with the fault if there is one. */
export async function perform(fault: Fault | undefined, exchange: Exchange, server: ServerSide): Promise<void> {
  switch (fault?.kind) {
    case undefined:
      return pass(exchange, server)
    case "reset-before":
      return exchange.reset()
    case "answer-lost":
      await apply(exchange, server)
      return exchange.reset()
    case "hang":
      await exchange.discardBody()
      return exchange.closed
    case "hang-after":
      await apply(exchange, server)
      return exchange.closed
    case "reset-mid-answer":
      await breakMidAnswer(exchange, server, fault.afterBytes)
      return exchange.reset()
    case "hang-mid-answer":
      await breakMidAnswer(exchange, server, fault.afterBytes)
      return exchange.closed
    case "status":
      return answerStatus(fault, exchange, server)
    case "cut-request":
      return cutRequest(exchange, server, fault.afterBytes)
    case "truncate":
      return truncate(fault, exchange, server)
    case "corrupt-answer":
      return pass(exchange, server, { answer: (chunks) => flipped(chunks, fault.at) })
    case "corrupt-request":
      return pass(exchange, server, { request: (chunks) => flipped(chunks, fault.at) })
    case "compress-answer":
      return compress(exchange, server)
    case "replace-answer":
      return replace(fault, exchange, server)
    case "endless-answer":
      return endless(exchange, server)
    case "latency":
      await server.pause(fault.ms)
      if (exchange.gone) throw new ClientGone()
      return pass(exchange, server)
    case "trickle": {
      const slow = (chunks: AsyncIterable<Uint8Array>) => paced(chunks, fault.bytesPerSecond, (ms) => server.pause(ms))
      return pass(exchange, server, { request: slow, answer: slow })
    }
    case "duplicate":
      return duplicate(fault, exchange, server)
    case "hold":
      return hold(fault, exchange, server)
  }
}

async function answerStatus(fault: Fault & { kind: "status" }, exchange: Exchange, server: ServerSide): Promise<void> {
  if (fault.applied === true) await apply(exchange, server)
  else if (fault.early !== true) {
    exchange.letSend()
    await exchange.discardBody()
  }
  const rest = exchange.discardBody()
  await exchange.answer(fault.status, fault.headers, fault.body)
  await rest
}
