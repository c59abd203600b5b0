import { Buffer } from "node:buffer"
import type { IncomingMessage } from "node:http"
import { pipeline } from "node:stream"
import { setImmediate as turn } from "node:timers/promises"
import { createGzip, gunzipSync } from "node:zlib"
import { type Chunks, collect, first } from "./bytes.js"
import { type Exchange, only } from "./exchange.js"
import type { Fault } from "./fault.js"
import { has, withHeaders, without } from "./headers.js"
import { relay, statusOf } from "./pass.js"
import type { ServerSide } from "./server-side.js"

/** Sends the head and a part of the body. The caller ends the answer, or leaves it open. */
export async function breakMidAnswer(exchange: Exchange, server: ServerSide, afterBytes: number): Promise<void> {
  const answer = await server.ask(exchange)
  const status = statusOf(answer)
  exchange.serverAnswered(status)
  if (isEmpty(exchange, answer)) return exchange.breakOffHead(status)
  exchange.head(status, answer.statusMessage, answer.rawHeaders)
  await exchange.send(first(answer, afterBytes))
  await exchange.flushed()
}

/** Ends the body early, so that it looks complete. */
export async function truncate(
  fault: Fault & { kind: "truncate" },
  exchange: Exchange,
  server: ServerSide,
): Promise<void> {
  const answer = await server.ask(exchange)
  if (isEmpty(exchange, answer)) return relay(exchange, answer)
  const status = statusOf(answer)
  const bare = without(answer.rawHeaders, "content-length", "transfer-encoding")
  exchange.serverAnswered(status)
  switch (fault.framing) {
    case "length": {
      // An answer without a content-length must be read to its end to know its length.
      const whole = has(answer.rawHeaders, "content-length") ? undefined : await collect(answer)
      const length = whole?.length ?? answer.headers["content-length"]
      exchange.head(status, answer.statusMessage, [...bare, "Content-Length", String(length)])
      await exchange.send(first(whole === undefined ? answer : only(whole), fault.afterBytes))
      return exchange.close()
    }
    case "chunked":
      exchange.head(status, answer.statusMessage, [...bare, "Transfer-Encoding", "chunked"])
      await exchange.send(first(answer, fault.afterBytes))
      return exchange.end()
    case "close":
      exchange.head(status, answer.statusMessage, withHeaders(bare, { Connection: "close" }))
      await exchange.send(first(answer, fault.afterBytes))
      return exchange.end()
  }
}

/** Compresses the body, although the client did not ask for it. */
export async function compress(exchange: Exchange, server: ServerSide): Promise<void> {
  const answer = await server.ask(exchange)
  const status = statusOf(answer)
  if (status === 204 || status === 304) return relay(exchange, answer)
  const bare = without(answer.rawHeaders, "content-length", "transfer-encoding", "content-encoding")
  const encodings = [answer.headers["content-encoding"], "gzip"].filter((name) => name !== undefined)
  exchange.serverAnswered(status)
  const headers = [...bare, "Content-Encoding", encodings.join(", "), "Transfer-Encoding", "chunked"]
  exchange.head(status, answer.statusMessage, headers)
  if (exchange.hasBody(status)) await exchange.send(gzipped(answer))
  else answer.resume()
  exchange.end()
}

/** Replaces the status, the headers or the body of the server's answer. */
export async function replace(
  fault: Fault & { kind: "replace-answer" },
  exchange: Exchange,
  server: ServerSide,
): Promise<void> {
  const answer = await server.ask(exchange, { detached: true })
  const sent = await collect(answer)
  exchange.serverAnswered(statusOf(answer))
  const { headers } = answer
  const real = {
    status: statusOf(answer),
    headers,
    body: headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent,
  }
  const content = typeof fault.body === "function" ? await server.unlessStopped(fault.body(real)) : fault.body
  const body = Buffer.from(content as Uint8Array)
  const status = fault.status ?? real.status
  const kept = without(answer.rawHeaders, "content-length", "transfer-encoding", "content-encoding")
  const length = status === 204 || status === 304 ? [] : ["Content-Length", String(body.length)]
  const message = fault.status === undefined ? answer.statusMessage : undefined
  exchange.head(status, message, withHeaders([...kept, ...length], fault.headers ?? {}))
  if (exchange.hasBody(status) && body.length > 0) await exchange.send(only(body))
  exchange.end()
}

/** The server's answer, and spaces after it for as long as the client reads. */
export async function endless(exchange: Exchange, server: ServerSide): Promise<void> {
  const answer = await server.ask(exchange)
  const status = statusOf(answer)
  if (!exchange.hasBody(status)) return relay(exchange, answer)
  exchange.serverAnswered(status)
  const bare = without(answer.rawHeaders, "content-length", "transfer-encoding")
  exchange.head(status, answer.statusMessage, [...bare, "Transfer-Encoding", "chunked"])
  await exchange.send(answer)
  await exchange.send(spaces())
}

const filler = Buffer.alloc(16 * 1024, " ")

async function* spaces(): AsyncGenerator<Uint8Array> {
  for (;;) {
    // Lets a reader in the same process have its turn.
    await turn()
    yield filler
  }
}

function gzipped(chunks: Chunks): Chunks {
  const gzip = createGzip()
  // A failure of the source destroys `gzip` with it, and its reader sees that.
  pipeline(chunks, gzip, () => {})
  return gzip
}

function isEmpty(exchange: Exchange, answer: IncomingMessage): boolean {
  return !exchange.hasBody(statusOf(answer)) || answer.headers["content-length"] === "0"
}
