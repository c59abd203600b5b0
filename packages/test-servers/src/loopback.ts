import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { createServer } from "node:net"

/**
 * A free port of 127.0.0.1, for a program that cannot choose a free port by itself. It lies below the range from which
 * the system hands out ports, so that no other program is given it first.
 */
export async function freePort(): Promise<number> {
  const range = await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8")
  const end = Math.max(Number.parseInt(range, 10), 12_000)
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * (end - 10_000))
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1")
  try {
    await once(server, "listening")
  } catch {
    return false
  }
  await new Promise((resolve) => server.close(resolve))
  return true
}
