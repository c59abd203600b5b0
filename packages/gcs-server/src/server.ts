import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Access, type AccessOptions } from "./access.js"
import { ServiceError } from "./errors.js"
import { readCall } from "./http/call.js"
import { sendError } from "./http/respond.js"
import { answersInText, route } from "./http/router.js"
import type { Service } from "./http/service.js"
import { ObjectStore } from "./objects/store.js"
import { UploadSessions } from "./uploads/sessions.js"

export interface GcsServerOptions extends AccessOptions {
  /** The clock of the server, milliseconds since 1970: `Date` headers, times and generations. Default the machine's. */
  now?: (() => number) | undefined
}

export interface GcsServer {
  /** `http://127.0.0.1:PORT`, for `new Storage({ apiEndpoint, projectId })`. */
  readonly endpoint: string
  /** @throws {ServiceError} 409 if it exists, 400 for a bad name */
  createBucket(name: string): void
  /** Cuts all open connections, and forgets all objects. */
  stop(): Promise<void>
}

/** Starts a server on a free port of the loopback interface. Its objects live in memory until it is stopped. */
export async function startGcsServer(options: GcsServerOptions = {}): Promise<GcsServer> {
  const now = options.now ?? (() => Date.now())
  const store = new ObjectStore(now)
  const service: Service = { store, sessions: new UploadSessions(store, now), access: new Access(options) }
  const server = createServer((request, response) => {
    response.setHeader("date", new Date(now()).toUTCString())
    void answer(service, request, response)
  })
  // Kept connections stay open: tests would fail by chance if one were closed just when its client sends.
  server.keepAliveTimeout = 10 * 60_000
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    createBucket: (name) => void store.createBucket(name),
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeAllConnections()
      }),
  }
}

async function answer(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let form: "json" | "text" = "json"
  try {
    const call = readCall(request, response)
    if (answersInText(call)) form = "text"
    await route(service, call)
  } catch (error) {
    // In the middle of the body of a request or an answer: the client is gone, or a newer request took its upload over.
    // The rest of its body is not read, so it must not wait for an answer either.
    const unread = request.destroyed && !request.complete
    if (unread || response.headersSent || response.destroyed) return void response.destroy()
    const known = error instanceof ServiceError
    sendError(response, known ? error : new ServiceError(500, "backendError", String(error)), form)
  }
}
