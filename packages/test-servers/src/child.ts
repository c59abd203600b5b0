import type { ChildProcess } from "node:child_process"
import { once } from "node:events"

const stopTimeoutMs = 10_000

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/**
 * Ends a child that was spawned `detached` and that ends with its stdin. If it has not ended after ten seconds, its
 * process group is killed.
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

/** Lets a program that is done end without waiting for its servers, which end with it. */
export function letGo(child: ChildProcess): void {
  child.unref()
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    // The pipes of a child are sockets, which its types do not say.
    ;(stream as { unref?: () => void } | null)?.unref?.()
  }
}
