import type { ChildProcess } from "node:child_process"
import { once } from "node:events"

const stopTimeoutMs = 10_000

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/**
 * Ends a child that was spawned `detached` and ends when its stdin does; after ten seconds without effect its process
 * group, which is its own, is killed.
 */
export async function endByStdin(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  child.ref()
  const exited = once(child, "exit")
  const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), stopTimeoutMs)
  child.stdin?.end()
  await exited
  clearTimeout(timer)
}

/** A program that is done need not wait for its servers: they end with it. */
export function letGo(child: ChildProcess): void {
  child.unref()
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    // Pipes are sockets here, which the types of a child do not say.
    ;(stream as { unref?: () => void } | null)?.unref?.()
  }
}
