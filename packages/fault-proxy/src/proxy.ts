import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { ClientGone, ServerGone, Stopped } from "./errors.js"
import { Exchange } from "./exchange.js"
import type { ProxiedRequest, Rule } from "./fault.js"
import { perform } from "./perform.js"
import { RequestRecord } from "./request.js"
import { Rules } from "./rules.js"
import { ServerSide } from "./server-side.js"

export interface FaultProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, to give to a client in place of the server's own. */
  readonly endpoint: string
  /** Every request since the start or `resetCounts()`, in order of arrival. Live. */
  readonly requests: readonly ProxiedRequest[]
  /** Adds rules after those in force. */
  inject(...rules: Rule[]): void
  /** Takes all rules away; what they have begun goes on. */
  clear(): void
  /** Forgets the requests; those in flight finish unseen. */
  resetCounts(): void
  /** The first request, past or to come, of which this holds. Asked again whenever one arrives or is answered. */
  seen(condition: (request: ProxiedRequest) => boolean): Promise<ProxiedRequest>
  /** Resolves when nothing is in flight, on either side. */
  idle(): Promise<void>
  /** Ends everything at once, also what hangs or is held. */
  stop(): Promise<void>
}

interface Watcher {
  readonly condition: (request: ProxiedRequest) => boolean
  readonly resolve: (request: ProxiedRequest) => void
  readonly reject: (reason: unknown) => void
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
  const requests: RequestRecord[] = []
  const inFlight = new Set<Promise<void>>()
  const sockets = new Set<Socket>()
  const watchers = new Set<Watcher>()

  const changed = (record: RequestRecord) => {
    for (const watcher of watchers) {
      try {
        if (!watcher.condition(record)) continue
        watcher.resolve(record)
      } catch (error) {
        watcher.reject(error)
      }
      watchers.delete(watcher)
    }
  }

  const handle = async (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) => {
    const record = new RequestRecord(requests.length, request)
    requests.push(record)
    const exchange = new Exchange(record, request, response, awaitsContinue, () => changed(record))
    try {
      record.fault = rules.choose(record)
      changed(record)
      await perform(record.fault, exchange, server)
    } catch (error) {
      await fail(exchange, error)
    }
    await exchange.over()
  }

  const accept = (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) => {
    const done = handle(request, response, awaitsContinue).finally(() => inFlight.delete(done))
    inFlight.add(done)
  }

  // No time-outs of its own: what ends a connection is the client, the server or a rule.
  const listener = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, maxHeaderSize: 262_144 })
  listener.on("request", (request, response) => accept(request, response, false))
  listener.on("checkContinue", (request, response) => accept(request, response, true))
  // Node would answer 417 by itself; what to say to another expectation is the server's.
  listener.on("checkExpectation", (request, response) => accept(request, response, false))
  listener.on("connection", (socket) => {
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject)
    listener.listen(0, "127.0.0.1", resolve)
  })

  const idle = async () => {
    while (inFlight.size > 0) await Promise.all(inFlight)
  }
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= (async () => {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
      for (const { reject } of watchers) reject(new Stopped("the proxy was stopped"))
      watchers.clear()
      server.stop()
      for (const socket of sockets) socket.resetAndDestroy()
      await closed
      await idle()
    })()
    return stopped
  }

  return {
    endpoint: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    requests,
    inject: (...more) => rules.add(more),
    clear: () => rules.clear(),
    resetCounts: () => {
      requests.length = 0
    },
    seen: (condition) => {
      const found = requests.find(condition)
      if (found !== undefined) return Promise.resolve(found)
      return new Promise((resolve, reject) => watchers.add({ condition, resolve, reject }))
    },
    idle,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** What breaks on one side breaks on the other; what the proxy itself cannot do is a 502 that says so. */
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
