import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { createServer } from "node:net"

/**
 * A port of 127.0.0.1 that nobody listens on, for a program that cannot be told to take any. It lies below the range
 * from which the system hands out ports, so that nobody is given it before that program has it.
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
