import type { Socket } from "node:net"

/** Resolves when the kernel has all that was written, or the connection is gone. */
export async function flushed(socket: Socket): Promise<void> {
  if (socket.destroyed) return
  await new Promise<void>((resolve) => {
    const done = () => {
      socket.off("close", done)
      resolve()
    }
    socket.once("close", done)
    socket.write("", done)
  })
}
