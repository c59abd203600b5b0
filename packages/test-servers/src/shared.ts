/** A server that can be ended. */
export interface Stoppable {
  stop(): Promise<void>
}

interface Entry {
  users: number
  readonly server: Promise<Stoppable | undefined>
}

// A global table: several copies of this module may be loaded (from src, from dist, by a bundler), and must share it.
const tableKey = Symbol.for("@ckpt/test-servers")
const globals = globalThis as { [tableKey]?: Map<string, Entry> }

/**
 * One server per name in this process. The first caller starts it, the others get the same server, and it ends when the
 * last of them has called `stop()`. A second `stop()` of one caller does nothing. If a start failed, the next caller
 * tries again.
 */
export async function share<T extends Stoppable>(
  name: string,
  start: () => Promise<T | undefined>,
): Promise<T | undefined> {
  globals[tableKey] ??= new Map()
  const table = globals[tableKey]
  const entry = table.get(name) ?? { users: 0, server: start() }
  table.set(name, entry)
  entry.users++
  let using = true
  const release = (): boolean => {
    if (!using) return false
    using = false
    if (--entry.users > 0) return false
    // The server leaves the table before it ends, so that no caller gets a server that is ending.
    if (table.get(name) === entry) table.delete(name)
    return true
  }
  try {
    const server = (await entry.server) as T | undefined
    if (server === undefined) {
      release()
      return undefined
    }
    return { ...server, stop: async () => (release() ? server.stop() : undefined) }
  } catch (error) {
    // A start that failed leaves the table at once, even while other callers still wait for it.
    if (table.get(name) === entry) table.delete(name)
    release()
    throw error
  }
}
