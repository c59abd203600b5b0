import { dirname } from "node:path"
import { CallerError, throwIfAborted } from "./errors.js"

/** What all backends of one process share about one root, keyed by its real path. Plain data: see `registry`. */
export interface RootState {
  /** The end of the queue of critical sections. */
  tail: Promise<unknown>
  writers: number
  readonly waiting: (() => void)[]
}

interface Registry {
  readonly roots: Map<string, RootState>
  readonly doubtful: Map<string, Doubt>
  lastMtime: number
}

/**
 * A name whose directory sync failed. The kernel reports such a failure once and then calls the directory clean, so a
 * second sync of it proves nothing (fsync after a failed fsync succeeds although data is lost).
 * `created`: the name itself may be gone after a crash. `replaced`: its older content may be back.
 */
export type Doubt = "created" | "replaced"

// In the global symbol registry, so that two installed copies of this package exclude each other too.
const registryKey = Symbol.for("@ckpt/fs.roots.v1")
const holder = globalThis as { [registryKey]?: Registry }
holder[registryKey] ??= { roots: new Map(), doubtful: new Map(), lastMtime: 0 }
const registry = holder[registryKey]

/** Each holds up to six files open: so many stay well below even a limit of 256 for the whole process. */
const maxWriters = 24

export function rootState(realPath: string): RootState {
  let state = registry.roots.get(realPath)
  if (state === undefined) {
    state = { tail: Promise.resolve(), writers: 0, waiting: [] }
    registry.roots.set(realPath, state)
  }
  return state
}

/** One at a time per root, first come first served. */
export function exclusively<T>(state: RootState, work: () => Promise<T>): Promise<T> {
  const result = state.tail.then(work)
  state.tail = result.catch(() => undefined)
  return result
}

/** At most `maxWriters` at once per root, first come first served. */
export async function asWriter<T>(
  state: RootState,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  throwIfAborted(signal)
  if (state.writers < maxWriters) state.writers++
  else await turn(state, signal)
  try {
    return await work()
  } finally {
    // The slot goes straight to the next in line; counting it free would let a newcomer overtake.
    const next = state.waiting.shift()
    if (next === undefined) state.writers--
    else next()
  }
}

/** Waits for a slot; rejects if the signal is aborted first. A slot that was handed over is kept, whatever happens then. */
function turn(state: RootState, signal: AbortSignal | undefined): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const start = () => {
      signal?.removeEventListener("abort", leave)
      resolve()
    }
    const leave = () => {
      state.waiting.splice(state.waiting.indexOf(start), 1)
      reject(new CallerError(signal?.reason))
    }
    state.waiting.push(start)
    signal?.addEventListener("abort", leave, { once: true })
  })
}

export function markDoubtful(path: string, doubt: Doubt): void {
  if (registry.doubtful.get(path) !== "created") registry.doubtful.set(path, doubt)
}

/** A replaced name was replaced again and that was synced: the entry was written anew, so the old doubt is over. */
export function clearReplaced(path: string): void {
  if (registry.doubtful.get(path) === "replaced") registry.doubtful.delete(path)
}

/** The doubtful name that `path` is or lies below. */
export function findDoubt(path: string): { path: string; doubt: Doubt } | undefined {
  if (registry.doubtful.size === 0) return undefined
  for (let name = path, parent = dirname(name); ; name = parent, parent = dirname(name)) {
    const doubt = registry.doubtful.get(name)
    if (doubt !== undefined) return { path: name, doubt }
    if (parent === name) return undefined
  }
}

/** Microseconds since 1970, never the same twice in this process, whatever the clock does. */
export function uniqueMicroseconds(): number {
  registry.lastMtime = Math.max(Date.now() * 1000, registry.lastMtime + 1)
  return registry.lastMtime
}
