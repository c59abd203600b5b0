import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"

/**
 * The connections of a page, bounded. Who has no token must not keep out who has: if there are too many, the oldest connection goes
 * that answers no request with the token. If all do, the new one goes.
 */
export class Connections {
  readonly #most: number
  /** Connections that may go, the oldest first. */
  readonly #idle = new Set<Socket>()
  /** How many requests with the token a connection answers now. */
  readonly #kept = new Map<Socket, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** A new connection. */
  add(socket: Socket): void {
    this.#idle.add(socket)
    socket.once("close", () => this.#forget(socket))
    if (this.#idle.size + this.#kept.size <= this.#most) return
    const [oldest] = this.#idle
    if (oldest === undefined) return
    // "close" comes later, and many connections may come before it.
    this.#forget(oldest)
    oldest.destroy()
  }

  /** A request has the token: its connection stays until it is answered. */
  keep(response: ServerResponse): void {
    const { socket } = response
    if (socket === null || socket.destroyed) return
    this.#idle.delete(socket)
    this.#kept.set(socket, (this.#kept.get(socket) ?? 0) + 1)
    response.once("close", () => {
      const left = (this.#kept.get(socket) ?? 0) - 1
      if (left > 0) {
        this.#kept.set(socket, left)
        return
      }
      if (this.#kept.delete(socket) && !socket.destroyed) this.#idle.add(socket)
    })
  }

  #forget(socket: Socket): void {
    this.#idle.delete(socket)
    this.#kept.delete(socket)
  }
}
