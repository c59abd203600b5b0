import { isDue } from "../async/age.js"
import { mapConcurrently, together } from "../async/concurrency.js"
import { BackendError } from "../errors.js"
import type { HistoryRecord } from "../format/history-record.js"
import type { Current } from "../history/current.js"
import type { History } from "../history/history.js"
import { changeable, maxChanges, outpaced } from "../history/lead.js"
import type { Listing } from "../history/listing.js"
import { isDurable, latestValidId } from "../history/summary.js"
import { milliseconds, type ShapeOf } from "../input/kinds.js"
import type { Leftover } from "../storage/backend.js"
import { writerEpochOf } from "../verify/read-manifest.js"
import { type PruneOptions, pruneShape } from "./prune.js"
import { counting, ensureDead } from "./remove.js"

/** The answer of `collectOrphans`. */
export interface OrphanReport {
  /** The keys that were removed, and the names of unfinished writes; after a dry run, those that would be. */
  readonly removed: readonly string[]
  /** The keys and names that could not be removed. */
  readonly failures: readonly {
    /** The key, or the name of an unfinished write. */
    readonly key: string
    /** Why it could not be removed: the backend's error. */
    readonly error: unknown
  }[]
  /** True: nothing was removed. */
  readonly dryRun: boolean
}

const defaultOrphanAgeMs = 60 * 60 * 1000

/**
 * Removes what unfinished saves left: states without a manifest, probe objects, and unfinished writes that only the
 * backend sees, such as temporary files. A state is removed if all of these hold: it lies below V, the latest valid
 * checkpoint; no manifest of its id is listed, and nothing pins it; and it is older than `olderThanMs`, by the storage's clock. An
 * unfinished write whose key is known is removed if it lies below V, and nothing has happened to it for so long.
 *
 * The order is: find V, list the states, list the manifests. So a save that is under way has an id above V, or a young
 * state, or a manifest in the later listing. Example of the wrong order: the manifests are listed; a save writes state
 * 7 and manifest 7; the states are listed. Now state 7 looks like an orphan.
 *
 * Before a state is deleted, the floor is raised to its id: if its save is under way after all, the save is CKPT_CONFLICT.
 * Ids that this store is saving are left alone.
 */
export async function collectOrphans(
  history: History,
  options: { olderThanMs?: number | undefined; dryRun?: boolean | undefined; signal?: AbortSignal | undefined } = {},
): Promise<OrphanReport> {
  const { lister, place } = history
  const { storage, layout } = place
  const { olderThanMs = defaultOrphanAgeMs, signal } = options
  const dryRun = options.dryRun ?? false

  const looking = lowerBoundOfLatestValid(history, dryRun, signal)
  // The listing's own failure is told first: where listings are denied, a missing object seems to be denied too.
  const [now, bound] = await together([storage.now(layout.statePrefix, signal), looking])
  const isOld = (since: Date, limitMs = olderThanMs) => isDue(now.getTime() - since.getTime(), limitMs)
  // Whatever the limit, a young probe may be the question of a store that has just begun, and its storage would seem to
  // ignore conditions.
  const isOldProbe = (since: Date) => isOld(since, Math.max(olderThanMs, defaultOrphanAgeMs))
  const prefixes = [...new Set([layout.statePrefix, layout.manifestPrefix])]
  // What lies at or above V may be a save under way, however long ago it began.
  const mayGo = (key: string, since: Date) => {
    const meaning = layout.meaning(key)
    if (meaning.kind === "probe") return isOldProbe(since)
    // A folder that has no id holds the unfinished writes of all. Any other key without an id belongs to others.
    if (!("id" in meaning)) return meaning.kind === "foreign" && key.endsWith("/")
    return (meaning.id ?? bound) < bound
  }
  // Unfinished writes go before the orphans: a directory that holds a temporary file is not empty, and would stay.
  const leftovers = mapConcurrently(prefixes, (prefix) =>
    storage.leftovers({ olderThanMs, prefix, mayGo, dryRun, signal }),
  )
  // The states are listed before the manifests: if a manifest comes in between, its state is no orphan.
  const listed = lister.states(signal).then(async (states) => ({ states, manifests: await lister.manifests(signal) }))
  const [found, { states, manifests }] = await together([leftovers, listed])
  const old: Orphan[] = []
  // Of the taken names, only an empty directory is ours; a stray file is not, and stays.
  const emptyDirectories = [...states.taken].filter(([, meta]) => meta.key.endsWith("/"))
  for (const [id, meta] of [...states.states, ...emptyDirectories]) {
    if (id < bound && !states.manifests.has(id) && isOld(meta.lastModified)) old.push({ id, key: meta.key })
  }
  const probes = states.probes.filter((meta) => isOldProbe(meta.lastModified)).map((meta) => meta.key)
  assertComplete(manifests, bound)
  const orphans = old.filter(({ id }) => !manifests.manifests.has(id))
  const listing = { ...manifests, states: states.states }
  return removeAll(history, found.flat(), { orphans, probes, listing, bound, dryRun, signal })
}

/** Removes what was found, unless it is a dry run. The leftovers are removed already. */
async function removeAll(history: History, leftovers: readonly Leftover[], found: Found): Promise<OrphanReport> {
  const { probes, dryRun, signal } = found
  const removed: string[] = []
  const failures: { key: string; error: unknown }[] = []
  for (const leftover of leftovers) {
    if (leftover.error === undefined) removed.push(leftover.name)
    else failures.push({ key: leftover.name, error: leftover.error })
  }
  const orphans = dryRun ? await withoutPinned(history, found.orphans, signal) : await makeDead(history, found, signal)
  const keys = [...orphans.map((orphan) => orphan.key), ...probes]
  if (dryRun) removed.push(...keys)
  else if (keys.length > 0) {
    const failed = await history.place.storage.delete(keys, signal)
    failures.push(...failed)
    const left = new Set(failed.map((failure) => failure.key))
    removed.push(...keys.filter((key) => !left.has(key)))
  }
  return { removed, failures, dryRun }
}

/**
 * Makes orphans dead: the floor is raised over them, so that a save which is under way after all is refused. Gives the orphans
 * that may be deleted now.
 */
async function makeDead(
  history: History,
  { orphans, listing, bound }: Found,
  signal: AbortSignal | undefined,
): Promise<readonly Orphan[]> {
  if (orphans.length === 0) return orphans
  for (let changes = 0; changes < maxChanges; changes++) {
    // Remembered from before the manifests were listed: a swap that succeeds on it shows that it is the history of now.
    const current = await changeable(history, signal, changes === 0)
    const { record } = current
    const goes = unpinned(orphans, record).filter(({ id }) => id < history.lowestUnderWay)
    if (goes.length === 0) return goes
    const ids = goes.map(({ id }) => id)
    const floor = ids.reduce((highest, id) => Math.max(highest, id), 0)
    const between = [...listing.manifests.keys()].filter((id) => id > record.floor && id <= floor)
    const stays = await counting(history, listing, record, between, signal)
    if (await ensureDead(history, current, { gone: ids, stays, latestValid: bound }, signal)) return goes
  }
  throw outpaced(history, "collectOrphans")
}

/** The state of a pinned checkpoint stays even if its manifest is lost: a copy of the manifest would make it whole again. */
function unpinned(orphans: readonly Orphan[], { pins }: HistoryRecord): Orphan[] {
  const pinned = new Set(pins.values())
  return orphans.filter(({ id }) => !pinned.has(id))
}

async function withoutPinned(history: History, orphans: readonly Orphan[], signal: AbortSignal | undefined) {
  return orphans.length === 0 ? orphans : unpinned(orphans, (await history.current(signal)).record)
}

interface Found {
  readonly orphans: readonly Orphan[]
  readonly probes: readonly string[]
  /** Of the manifests; of the states what was listed before. */
  readonly listing: Listing
  readonly bound: number
  readonly dryRun: boolean
  readonly signal: AbortSignal | undefined
}

/** A state, or an empty directory, without a manifest. */
interface Orphan {
  readonly id: number
  readonly key: string
}

/**
 * V is there, since it verified a moment ago and is never deleted. A listing without V is incomplete: it may lack other
 * manifests too, and their states would look like orphans.
 */
function assertComplete({ manifests }: Listing, bound: number): void {
  if (bound === 0 || manifests.has(bound)) return
  const message = `the listing lacks checkpoint ${bound}, which is there, so nothing was collected`
  throw new BackendError("transient", message)
}

/**
 * V, or a lower id that is safe to use in its place; 0 if no checkpoint is valid. Usually the checkpoint that the
 * pointer names is valid, and no listing is needed.
 *
 * @throws {CheckpointError} `CKPT_FENCED` if another writer leads, `CKPT_CORRUPT` if the history is lost, unless `dryRun`
 */
async function lowerBoundOfLatestValid(
  history: History,
  dryRun: boolean,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { pointer, verifier } = history
  const { checkpointId: named } = await pointer.lastSeen(signal)
  const found = named === 0 ? undefined : await verifier.verify(named, { depth: "shallow", signal })
  // Read after the manifest.
  const current: Current = await (dryRun ? history.current(signal) : changeable(history, signal))
  if (found?.valid && !verifier.memory.isDamaged(found)) {
    const { judge } = await history.judged(current, signal)
    const listed = { manifest: found.manifestMeta, state: found.stateMeta }
    const counts = judge.counts(named, writerEpochOf(found.manifest))
    const isSound = counts && (await verifier.hasOwnState(named, listed, signal))
    if (
      isSound &&
      (await isDurable(history.place, { id: named, version: found.manifestMeta?.version }, found.stateMeta, signal))
    )
      return named
  }
  return (await latestValidId(verifier, await history.view(signal), { signal })) ?? 0
}

/** The options of `collectOrphans`. */
export interface CollectOptions extends PruneOptions {
  /**
   * Objects younger than this stay, by the storage's clock. Milliseconds; default 3,600,000, one hour. Probe objects stay for
   * an hour at least. States and probes whose age is more than five years beyond it stay too: then a clock was wrong.
   */
  olderThanMs?: number | undefined
}

export const collectShape: ShapeOf<CollectOptions> = {
  fields: { ...pruneShape.fields, olderThanMs: milliseconds() },
}
