import { mapConcurrently } from "../async/concurrency.js"
import { BackendError, CheckpointError } from "../errors.js"
import type { History } from "../history/history.js"
import { isOfHistory } from "../history/rule.js"
import { latestValidId } from "../history/summary.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { PruneOptions } from "./prune.js"

export interface OrphanReport {
  /** Keys and names that are gone (for a dry run: that would be). */
  readonly removed: readonly string[]
  readonly failures: readonly { readonly key: string; readonly error: unknown }[]
  readonly dryRun: boolean
}

const defaultOrphanAgeMs = 60 * 60 * 1000

/**
 * Removes what saves that never finished left behind: states without a manifest, and what only the backend can see.
 * The order matters: the latest valid checkpoint is determined first, then states are listed, then manifests; so a
 * save that is under way is either above that checkpoint, or young, or has its manifest by then.
 */
export async function collectOrphans(
  history: History,
  options: { olderThanMs?: number; dryRun?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<OrphanReport> {
  const { lister, place } = history
  const { storage, layout } = place
  const { olderThanMs = defaultOrphanAgeMs, signal } = options
  const dryRun = options.dryRun ?? false
  if (!(olderThanMs >= 0))
    throw new CheckpointError("CKPT_INVALID", `olderThanMs is ${olderThanMs}; give milliseconds from 0.`)

  const [bound, now] = await Promise.all([lowerBoundOfLatestValid(history, signal), storage.now(signal)])
  const isOld = (meta: ObjectMeta) => now.getTime() - meta.lastModified.getTime() >= olderThanMs
  const prefixes = [...new Set([layout.statePrefix, layout.manifestPrefix])]
  const isOurs = (key: string) => layout.meaning(key).kind !== "foreign"
  // Before anything else goes, since a directory that holds a temporary file is not empty.
  const leftovers = mapConcurrently(prefixes, (prefix) =>
    storage.leftovers({ olderThanMs, prefix, isOurs, dryRun, signal }),
  )
  // States before manifests: a state whose manifest comes in between is then no orphan.
  const listings = lister.states(signal).then(async (states) => ({ states, manifests: await lister.manifests(signal) }))
  const [found, { states, manifests }] = await Promise.all([leftovers, listings])
  if (bound > 0 && !manifests.manifests.has(bound)) {
    // It verified a moment ago, and nothing there is ever deleted: other manifests may be missing here as well, and a
    // state whose manifest is not seen would pass for an orphan.
    const message = `the listing lacks checkpoint ${bound}, which is there, so nothing was collected`
    throw new BackendError("transient", message)
  }
  const orphans: { id: number; key: string }[] = []
  // Of names that are only taken, an empty directory is ours; anything else there is not.
  const emptyDirectories = [...states.taken].filter(([, meta]) => meta.key.endsWith("/"))
  for (const [id, meta] of [...states.states, ...emptyDirectories]) {
    if (id < bound && !manifests.manifests.has(id) && isOld(meta)) orphans.push({ id, key: meta.key })
  }
  const probes = states.probes.filter(isOld).map((meta) => meta.key)

  const removed: string[] = []
  const failures: { key: string; error: unknown }[] = []
  for (const leftover of found.flat()) {
    if (leftover.error === undefined) removed.push(leftover.name)
    else failures.push({ key: leftover.name, error: leftover.error })
  }
  const keys = [...orphans.map((orphan) => orphan.key), ...probes]
  if (dryRun) removed.push(...keys)
  else if (keys.length > 0) {
    if (orphans.length > 0) {
      const floor = orphans.reduce((highest, orphan) => Math.max(highest, orphan.id), 0)
      const stays = [...manifests.manifests.keys()].filter((id) => id <= floor)
      if (history.isTold) await history.pointer.raiseFloor(floor, stays, bound)
    }
    const failed = await storage.delete(keys, signal)
    failures.push(...failed)
    const left = new Set(failed.map((failure) => failure.key))
    removed.push(...keys.filter((key) => !left.has(key)))
  }
  return { removed, failures, dryRun }
}

/**
 * An id at or below the latest valid one, found before anything is listed for collection. The pointer's own checkpoint
 * serves in the common case; where it does not verify, all are looked at.
 */
async function lowerBoundOfLatestValid(history: History, signal: AbortSignal | undefined): Promise<number> {
  const { pointer, verifier } = history
  const seen = await pointer.lastSeen(signal)
  if (seen.checkpointId > 0) {
    const found = await verifier.verify(seen.checkpointId, { depth: "shallow", signal })
    const counts = isOfHistory(seen.checkpointId, found.manifest?.writer?.epoch, seen)
    if (counts && found.valid && !verifier.memory.isDamaged(found)) return seen.checkpointId
  }
  return (await latestValidId(verifier, await history.view(signal), { signal })) ?? 0
}

export interface CollectOptions extends PruneOptions {
  /** Leave alone what is younger, by the storage's clock. Milliseconds, default one hour. */
  olderThanMs?: number
}
