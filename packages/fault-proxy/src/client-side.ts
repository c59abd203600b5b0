import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"

/** Takes one request; `awaitsContinue`: its client waits for `100 Continue` before it sends the body. */
type Accept = (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) => void

/** The clients' side of the proxy: a free port of 127.0.0.1. */
export interface ClientSide {
  readonly endpoint: string
  /** Refuses new connections, and resets those that are open. */
  stop(): Promise<void>
}

export async function listenForClients(accept: Accept): Promise<ClientSide> {
  const sockets = new Set<Socket>()
  // No time-outs of its own: only the client, the server or a rule ends a connection.
  const listener = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, maxHeaderSize: 262_144 })
  listener.on("request", (request, response) => accept(request, response, false))
  listener.on("checkContinue", (request, response) => accept(request, response, true))
  // Node would answer another expectation with 417 by itself; here the server answers it.
  listener.on("checkExpectation", (request, response) => accept(request, response, false))
  listener.on("connection", (socket) => {
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject)
    listener.listen(0, "127.0.0.1", resolve)
  })
  return {
    endpoint: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    async stop() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
      for (const socket of sockets) socket.resetAndDestroy()
      await closed
    },
  }
}
