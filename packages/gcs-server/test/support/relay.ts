import { type AddressInfo, connect, createServer, type Socket } from "node:net"

export interface Relay {
  readonly endpoint: string
  /** The `Content-Range` headers that went through, in order. */
  readonly ranges: string[]
  stop(): Promise<void>
}

/**
 * Passes bytes on to the server. Once, after `cutAfter` bytes from the client, it hangs up on both sides. The server
 * gets exactly those bytes first.
 */
export async function startRelay(target: string, cutAfter: number): Promise<Relay> {
  const { hostname, port } = new URL(target)
  const ranges: string[] = []
  const open = new Set<Socket>()
  let left = cutAfter
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => open.delete(socket))
    }
    client.on("data", (chunk: Buffer) => {
      ranges.push(...Array.from(chunk.toString("latin1").matchAll(/^content-range: *(.*)\r$/gim), (match) => match[1]!))
      if (left > 0 && chunk.length >= left) {
        upstream.end(chunk.subarray(0, left))
        left = 0
        client.destroy()
        return
      }
      left = left > 0 ? left - chunk.length : 0
      upstream.write(chunk)
    })
    upstream.pipe(client)
    client.on("close", () => upstream.end())
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ranges,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}
