import type { Mutex } from "./mutex.js"

/** What all backends of one process share about one root, keyed by its real path. Of another copy of the package it may be that made it. */
export interface RootState {
  /** What must not come between each other: a look and the moves that it decides on. */
  readonly lock: Mutex
  writers: number
  readonly waiting: (() => void)[]
}

/**
 * A name whose directory sync failed. The kernel reports such a failure once and then calls the directory clean, so a
 * second sync of it proves nothing (fsync after a failed fsync succeeds although data is lost).
 * `created`: the name itself may be gone after a crash. `replaced`: its older content may be back.
 */
export type Doubt = "created" | "replaced"

interface Registry {
  readonly roots: Map<string, RootState>
  readonly doubtful: Map<string, Doubt>
  lastMtime: number
}

// In the global symbol registry, so that two installed copies of this package exclude each other too.
const registryKey = Symbol.for("@ckpt/fs.roots.v1")
const holder = globalThis as { [registryKey]?: Registry }
holder[registryKey] ??= { roots: new Map(), doubtful: new Map(), lastMtime: 0 }
export const registry = holder[registryKey]
