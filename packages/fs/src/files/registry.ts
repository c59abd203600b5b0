import type { Mutex } from "@ckpt/core/adapter"

/** What all backends of one process share about one root, keyed by its real path. */
export interface RootState {
  /** Holds a look at names and the moves that depend on it together. */
  readonly lock: Mutex
  /** Writers under way. */
  writers: number
  /** Writers that wait for a place, in order. Each function starts one. */
  readonly waiting: (() => void)[]
  /** The size of the spare that is known to be there. 0: there was no room for a spare; infinite: there can be none. */
  spareBytes?: number | undefined
}

/**
 * Why a name is in doubt: the sync of its directory failed. The kernel reports such a failure once and then calls the
 * directory clean, so a second sync proves nothing (fsync after a failed fsync succeeds although data is lost).
 * `created`: after a crash the name may be gone. `replaced`: after a crash the name may have its older content.
 */
export type Doubt = "created" | "replaced"

/** That this process writes in one folder. */
interface Sign {
  /** The backends that write there. The last of them removes the sign. */
  readonly holders: Set<unknown>
  /** The path of the sign; `undefined` if none could be made. */
  made: Promise<string | undefined>
}

interface Registry {
  readonly roots: Map<string, RootState>
  /** Path → why it is in doubt. */
  readonly doubtful: Map<string, Doubt>
  /** Path of a name whose sync is under way → the end of that sync, however it ends. */
  readonly unsynced: Map<string, Promise<void>>
  /** Path of a folder → to be called if a sync of it fails, for each change of it that is not durable yet. */
  readonly changing: Map<string, Set<() => void>>
  /** Path of a folder of which a sync failed → the names in it that a sync since then has made durable. Of any other name nobody can know. */
  readonly failed: Map<string, Set<string>>
  /** The real path of a folder → the sign of this process in it. */
  readonly signs: Map<string, Sign>
  /** Files that were stamped. */
  stamped: number
}

// In the global symbol registry, so that two installed copies of this package share it. One copy may use objects of the
// other: of `lock`, `run` alone.
const registryKey = Symbol.for("@ckpt/fs.roots.v1")
const holder = globalThis as { [registryKey]?: Registry }
holder[registryKey] ??= {
  ...{
    roots: new Map(),
    doubtful: new Map(),
    unsynced: new Map(),
    changing: new Map(),
    failed: new Map(),
    signs: new Map(),
  },
  stamped: 0,
}
export const registry = holder[registryKey]
