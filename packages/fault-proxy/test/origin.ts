import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"

interface Received {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** The whole body arrived, so the request was carried out. */
  readonly whole: boolean
}

export interface Origin {
  readonly url: string
  readonly received: readonly Received[]
  readonly objects: ReadonlyMap<string, Buffer>
  readonly connections: () => number
  /** Resolves once this many requests have been recorded, whole or broken. */
  reached(count: number): Promise<void>
  stop(): Promise<void>
}

/** A small object server: PUT stores, POST answers with what it got, GET, HEAD and DELETE do what their names say. */
export async function startOrigin(): Promise<Origin> {
  const received: Received[] = []
  const objects = new Map<string, Buffer>()
  const sockets = new Set<Socket>()
  const waiting = new Set<() => void>()
  let connections = 0

  const serve = async (message: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    let whole = true
    try {
      for await (const chunk of message) chunks.push(chunk as Buffer)
    } catch {
      whole = false
    }
    const body = Buffer.concat(chunks)
    const { method = "", url = "", rawHeaders } = message
    const request = { method, url, rawHeaders, body, whole }
    received.push(request)
    for (const wake of waiting) wake()
    if (!whole) return
    answer(objects, request, response)
  }

  const server = createServer((request, response) => void serve(request, response))
  server.on("connection", (socket) => {
    connections++
    sockets.add(socket)
    socket.on("error", () => {}).once("close", () => sockets.delete(socket))
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    objects,
    connections: () => connections,
    async reached(count) {
      while (received.length < count) {
        await new Promise<void>((resolve) => {
          waiting.add(resolve)
        })
        waiting.clear()
      }
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Carries one request out. */
function answer(objects: Map<string, Buffer>, { method, url, body }: Received, response: ServerResponse): void {
  const path = url.split("?")[0] ?? ""
  const stored = objects.get(path)
  if (method === "PUT") {
    objects.set(path, body)
    response.setHeader("ETag", `"${body.length}"`)
    response.end(`stored ${body.length}`)
  } else if (method === "POST") {
    response.end(body)
  } else if (method === "DELETE") {
    objects.delete(path)
    response.writeHead(204).end()
  } else if (stored === undefined) {
    response.writeHead(404, "No Such Key", ["Content-Length", "0"]).end()
  } else if (url.endsWith("?close")) {
    response.useChunkedEncodingByDefault = false
    response.writeHead(200, { Connection: "close" }).end(stored)
  } else if (url.endsWith("?chunked")) {
    response.write(stored.subarray(0, 1))
    response.end(stored.subarray(1))
  } else {
    response.writeHead(200, ["x-Twice", "1", "X-twice", "2", "Content-Length", String(stored.length)])
    response.end(method === "HEAD" ? undefined : stored)
  }
}
