import { mapConcurrently, together } from "../async/concurrency.js"
import { oldestFirst } from "../format/ids.js"
import type { History } from "../history/history.js"
import { lastUsable, maxChanges, outpaced } from "../history/lead.js"
import type { Listing } from "../history/listing.js"
import { isDurable, latestValidId, type Summarized, summaries, withPins } from "../history/summary.js"
import type { View } from "../history/view.js"
import { aBoolean, type ShapeOf } from "../input/kinds.js"
import { type OperationOptions, operationShape } from "../options.js"
import type { Place } from "../storage/place.js"
import { keptBy, keptUnjudged, type RetentionPolicy } from "./policy.js"
import { assertChangeable, isBehind, type PruneFailure, removeBelow } from "./remove.js"

/** The answer of `prune`. */
export interface PruneReport {
  /** The ids that were removed, manifest and state; after a dry run, the ids that would be. Ascending. */
  readonly removed: readonly number[]
  /** The ids that stay, ascending. */
  readonly kept: readonly number[]
  /** The objects that could not be deleted. The next prune tries a manifest again, `collectOrphans` a state. */
  readonly failures: readonly PruneFailure[]
  /** True: nothing was removed. */
  readonly dryRun: boolean
}

/**
 * Removes the checkpoints below the latest valid checkpoint that the policy does not keep. If no checkpoint is valid,
 * none is removed.
 */
export async function prune(
  history: History,
  policy: RetentionPolicy,
  options: { dryRun?: boolean | undefined; signal?: AbortSignal | undefined } = {},
): Promise<PruneReport> {
  const { signal } = options
  const dryRun = options.dryRun ?? false
  for (let changes = 0; changes < maxChanges; changes++) {
    // The history that is remembered will do, if nobody has changed it since.
    const report = await pruneOnce(history, policy, {
      dryRun,
      remembered: changes === 0 && lastUsable(history) !== undefined,
      signal,
    })
    if (report !== "again") return report
  }
  throw outpaced(history, "prune")
}

async function pruneOnce(
  history: History,
  policy: RetentionPolicy,
  { dryRun, remembered, signal }: { dryRun: boolean; remembered: boolean; signal: AbortSignal | undefined },
): Promise<PruneReport | "again"> {
  // At the same time, so that a full disk has room again as soon as can be.
  const [looked] = await together([
    lookAtAll(history, policy, { remembered: remembered && !dryRun, signal }),
    dryRun ? [] : removeEnded(history.place, signal),
  ])
  const { view, all, latestValid } = looked
  if (isBehind(history, view)) return "again"
  if (!dryRun) await assertChangeable(history, view, signal)
  const counting = withPins(all, view)
  const doomed: number[] = []
  if (latestValid !== undefined) {
    // A checkpoint that does not count is kept by no rule. What lies above stays by itself, and fills no place: a crash may undo it.
    const judged = counting.filter(({ id }) => id <= latestValid)
    const kept = keptBy(policy, judged, looked.now.getTime())
    for (const { id } of view.pins) kept.add(id)
    for (const id of keptUnjudged(policy, judged)) kept.add(id)
    for (const id of await latestCommitted(history.place, view, all, signal)) kept.add(id)
    for (const { outline } of all) if (outline.id < latestValid && !kept.has(outline.id)) doomed.push(outline.id)
  }
  const goes = new Set(doomed)
  const stays = all.map(({ outline }) => outline.id).filter((id) => !goes.has(id))
  if (dryRun || doomed.length === 0) return { removed: doomed, kept: stays, failures: [], dryRun }
  const counted = new Set(counting.map(({ id }) => id))
  const survivors = stays.filter((id) => counted.has(id))
  const removal = { gone: doomed, stays: survivors, latestValid: latestValid ?? 0 }
  const failures = await removeBelow(history, view, removal, signal)
  if (failures === "again") return "again"
  const left = new Set(failures.map((failure) => failure.id))
  return { removed: doomed.filter((id) => !left.has(id)), kept: stays, failures, dryRun }
}

/**
 * The latest committed checkpoint, for a job that recovers with `acceptCommitted`: what comes after it may be of no use. If a crash
 * may still undo its commit, also the next older one.
 */
async function latestCommitted(
  place: Place,
  view: View,
  all: readonly Summarized[],
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const ids: number[] = []
  for (const { outline } of all.toReversed()) {
    const { id, valid, isCommitted, writerEpoch } = outline
    if (!valid || !isCommitted || !view.counts(id, writerEpoch)) continue
    ids.push(id)
    if (await isDurable(place, outline, view.listing.states.get(id), signal)) break
  }
  return ids
}

/**
 * Removes what writers left that are known to have ended: a job that is killed again and again would fill the storage otherwise.
 * `collectOrphans` reports what cannot be removed.
 */
async function removeEnded({ storage, layout }: Place, signal: AbortSignal | undefined): Promise<void> {
  if (storage.backend.capabilities.seesEndedWriters !== true) return
  const prefixes = [...new Set([layout.statePrefix, layout.manifestPrefix])]
  await mapConcurrently(prefixes, (prefix) =>
    storage.leftovers({ olderThanMs: Number.POSITIVE_INFINITY, prefix, signal }),
  )
}

/** Every listed checkpoint, ascending, and the history. `now` is the storage's time, if the policy needs it. */
async function lookAtAll(
  history: History,
  policy: RetentionPolicy,
  { remembered, signal }: { remembered: boolean; signal: AbortSignal | undefined },
): Promise<{ view: View; all: readonly Summarized[]; latestValid: number | undefined; now: Date }> {
  const { verifier, place } = history
  let looking: Promise<[readonly Summarized[], Date]> | undefined
  const read = new Set<number>()
  const onListed = (listing: Listing) => {
    const ids = oldestFirst(listing.manifests.keys())
    verifier.memory.keep(listing.manifests)
    for (const [id, manifest] of listing.manifests)
      if (verifier.memory.recall(id, manifest, listing.states.get(id)) === undefined) read.add(id)
    looking = together([
      summaries(verifier, listing, ids, { signal }),
      policy.withinMs === undefined ? new Date(0) : place.storage.now(place.layout.manifestPrefix, signal),
    ])
    looking.catch(() => {})
  }
  // What was begun ends before a failure is told.
  const view = await history.view(signal, { onListed, remembered }).finally(() => looking?.catch(() => {}))
  const [all, now] = await (looking as NonNullable<typeof looking>)
  const latestValid = await latestValidId(verifier, view, { signal, read })
  // The search may have read a state and found damage that no size shows; by now it is remembered.
  const isAsBefore = withPins(all, view).findLast((summary) => summary.valid)?.id === latestValid
  const ids = all.map(({ outline }) => outline.id)
  return { view, all: isAsBefore ? all : await summaries(verifier, view.listing, ids, { signal }), latestValid, now }
}

/** The options of `prune`. */
export interface PruneOptions extends OperationOptions {
  /** Report the checkpoints that would be removed, and remove none. Default false. */
  dryRun?: boolean | undefined
}

export const pruneShape = {
  fields: { ...operationShape.fields, dryRun: aBoolean },
} as const satisfies ShapeOf<PruneOptions>
