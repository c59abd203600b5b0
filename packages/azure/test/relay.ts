import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/** A relay to a server, which counts the client's sockets and can hold them up. */
export interface Relay {
  readonly endpoint: string
  readonly opened: number
  readonly closed: number
  /** From now on the relay reads nothing from the client, not even from the socket's buffers. */
  hold(): void
  /** Resolves when the client has closed every socket. */
  allClosed(): Promise<void>
  stop(): Promise<void>
}

export async function startRelay(target: string): Promise<Relay> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const waiting = new Set<() => void>()
  let opened = 0
  let closed = 0
  let held = false
  const server = createServer((client) => {
    opened++
    sockets.add(client)
    client.on("error", () => {})
    client.once("close", () => {
      closed++
      sockets.delete(client)
      if (sockets.size === 0) for (const resolve of waiting) resolve()
    })
    if (held) {
      client.pause()
      return
    }
    const upstream = connect(Number(port), hostname)
    upstream.on("error", () => client.destroy())
    upstream.once("close", () => client.destroy())
    client.once("close", () => upstream.destroy())
    client.pipe(upstream).pipe(client)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get opened() {
      return opened
    },
    get closed() {
      return closed
    },
    hold() {
      held = true
    },
    async allClosed() {
      // A paused socket does not see that its other end was closed.
      for (const socket of sockets) if (held) socket.resume()
      if (sockets.size > 0) await new Promise<void>((resolve) => waiting.add(resolve))
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, "close")
    },
  }
}
