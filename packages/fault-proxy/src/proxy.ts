import type { IncomingMessage, ServerResponse } from "node:http"
import { listenForClients } from "./client-side.js"
import { ClientGone, ServerGone, Stopped } from "./errors.js"
import { Exchange } from "./exchange.js"
import type { ProxiedRequest, Rule } from "./fault.js"
import { perform } from "./perform.js"
import { RequestLog } from "./request-log.js"
import { Rules } from "./rules.js"
import { ServerSide } from "./server-side.js"

export interface FaultProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, to give to a client in place of the server's address. */
  readonly endpoint: string
  /** Every request since the start or `resetCounts()`, in order of arrival. Live. */
  readonly requests: readonly ProxiedRequest[]
  /** Adds rules after those in force. */
  inject(...rules: Rule[]): void
  /** Takes all rules away. Faults that have begun go on. */
  clear(): void
  /** Forgets the requests; those in flight finish unseen. */
  resetCounts(): void
  /** The first request, past or to come, that fits. The condition is asked when a request arrives or is answered. */
  seen(condition: (request: ProxiedRequest) => boolean): Promise<ProxiedRequest>
  /** Resolves when nothing is in flight, on either side. */
  idle(): Promise<void>
  /** Ends every request at once, also those that hang or are held. */
  stop(): Promise<void>
}

/**
 * Starts a proxy on a free port of 127.0.0.1.
 *
 * @param target the server, `http://host:port`; nothing is sent to it before the first request
 */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const url = new URL(target)
  if (url.protocol !== "http:") throw new TypeError(`${target} is not an http: address`)
  const server = new ServerSide(url)
  const rules = new Rules()
  const log = new RequestLog()
  const inFlight = new Set<Promise<void>>()

  const handle = async (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) => {
    const record = log.add(request)
    const exchange = new Exchange(record, request, response, awaitsContinue, () => log.changed(record))
    try {
      record.fault = rules.choose(record)
      log.changed(record)
      await perform(record.fault, exchange, server)
    } catch (error) {
      await fail(exchange, error)
    }
    await exchange.over()
  }

  const clients = await listenForClients((request, response, awaitsContinue) => {
    const done = handle(request, response, awaitsContinue).finally(() => inFlight.delete(done))
    inFlight.add(done)
  })

  const idle = async () => {
    while (inFlight.size > 0) await Promise.all(inFlight)
  }
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= (async () => {
      log.stop(new Stopped("the proxy was stopped"))
      server.stop()
      await clients.stop()
      await idle()
    })()
    return stopped
  }

  return {
    endpoint: clients.endpoint,
    requests: log.requests,
    inject: (...more) => rules.add(more),
    clear: () => rules.clear(),
    resetCounts: () => log.forget(),
    seen: (condition) => log.seen(condition),
    idle,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** A connection that broke on one side is reset on the other. A failure of the proxy itself is a 502 that names it. */
async function fail(exchange: Exchange, error: unknown): Promise<void> {
  const ended = error instanceof ClientGone || error instanceof ServerGone || error instanceof Stopped
  const broke = (error as NodeJS.ErrnoException).code === "ECONNRESET"
  if (ended || broke || exchange.answering || exchange.gone) return exchange.reset()
  const message = error instanceof Error ? error.message : String(error)
  try {
    await exchange.answer(502, { "content-type": "text/plain" }, `fault proxy: ${message}\n`)
    await exchange.discardBody()
  } catch {
    exchange.reset()
  }
}
