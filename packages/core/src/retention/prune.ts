import type { HistoryContext } from "../commit/commit.js"
import { CheckpointError } from "../errors.js"
import { ascending, counts, type Pointer } from "../format/pointer.js"
import { oldestFirst, type Survey } from "../history/listing.js"
import { type Pin, pinsOf } from "../history/pin.js"
import {
  type CheckpointSummary,
  counting,
  newestValidId,
  type RetentionContext,
  summaries,
  surveyWithPointer,
} from "../history/summary.js"
import type { DeleteFailure } from "../storage/backend.js"

/**
 * Which checkpoints stay: one that any of the rules keeps. The newest valid one always stays, and so does everything
 * above it, and whatever is pinned.
 */
export interface RetentionPolicy {
  /** The newest so many that are valid. From 1. */
  last?: number
  /** Those written within this many milliseconds, by the storage's clock. */
  withinMs?: number
  /** Those whose id is a multiple of this. From 1. */
  every?: number
  /** Those for which this gives true. */
  keep?: (summary: CheckpointSummary) => boolean
}

export interface PruneFailure {
  readonly id: number
  readonly key: string
  readonly error: unknown
}

export interface PruneReport {
  /** Gone entirely (for a dry run: what would be), ascending. */
  readonly removed: readonly number[]
  readonly kept: readonly number[]
  /** Every object that should be gone and is not. The next run tries a manifest again, `collectOrphans` a state. */
  readonly failures: readonly PruneFailure[]
  readonly dryRun: boolean
}

/** Rejects a policy that says nothing or nonsense with `CKPT_INVALID`. */
export function checkPolicy(policy: RetentionPolicy): RetentionPolicy {
  const invalid = (message: string) => new CheckpointError("CKPT_INVALID", `retention: ${message}`)
  if (typeof policy !== "object" || policy === null) throw invalid("give a policy such as { last: 3 }.")
  const { last, withinMs, every, keep } = policy
  if (last !== undefined && (!Number.isSafeInteger(last) || last < 1)) {
    throw invalid(`last is ${last}; give a whole number from 1 (the newest valid checkpoint always stays).`)
  }
  if (withinMs !== undefined && !(withinMs >= 0)) throw invalid(`withinMs is ${withinMs}; give milliseconds from 0.`)
  if (every !== undefined && (!Number.isSafeInteger(every) || every < 1)) {
    throw invalid(`every is ${every}; give a whole number from 1.`)
  }
  if (keep !== undefined && typeof keep !== "function") throw invalid("keep is not a function.")
  if (last === undefined && withinMs === undefined && every === undefined && keep === undefined) {
    throw invalid("the policy is empty, so it would keep the newest checkpoint alone. Say so: { last: 1 }.")
  }
  return policy
}

/** What the rules keep of `all` (ascending): damaged ones never fill a place. */
function keptBy(policy: RetentionPolicy, all: readonly CheckpointSummary[], nowMs: number): Set<number> {
  const valid = all.filter((summary) => summary.valid)
  const kept = new Set<number>()
  if (policy.last !== undefined) for (const summary of valid.slice(-policy.last)) kept.add(summary.id)
  for (const summary of valid) {
    if (policy.withinMs !== undefined && nowMs - summary.lastModified.getTime() <= policy.withinMs) kept.add(summary.id)
    if (policy.every !== undefined && summary.id % policy.every === 0) kept.add(summary.id)
    const wanted: unknown = policy.keep?.(summary)
    if (wanted instanceof Promise) {
      throw new CheckpointError(
        "CKPT_INVALID",
        "retention: keep must answer at once, not by a promise. Nothing was removed.",
      )
    }
    if (wanted) kept.add(summary.id)
  }
  return kept
}

/**
 * Removes what the policy does not keep, below the newest valid checkpoint only: first the floor is raised, so that
 * nothing removed can come back, then manifests go, then their states.
 */
export async function prune(
  context: RetentionContext,
  policy: RetentionPolicy,
  options: { dryRun?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<PruneReport> {
  const { signal } = options
  const dryRun = options.dryRun ?? false
  const survey = await context.surveyor.everything(signal)
  const ids = oldestFirst(survey.manifests.keys())
  const [pointer, all, now] = await Promise.all([
    context.pointer.read(signal, survey.claims),
    summaries(context, survey, ids, signal),
    policy.withinMs === undefined ? new Date(0) : context.storage.now(signal),
  ])
  const pins = pinsOf(survey, pointer)
  const history = counting(all, pointer, pins)
  const newestValid = history.findLast((summary) => summary.valid)?.id
  const doomed: number[] = []
  if (newestValid !== undefined) {
    // What does not count is kept by no rule.
    const kept = keptBy(policy, history, now.getTime())
    for (const { id, pins } of history) if (pins !== undefined) kept.add(id)
    for (const { summary } of all) if (summary.id < newestValid && !kept.has(summary.id)) doomed.push(summary.id)
  }
  const goes = new Set(doomed)
  const stays = all.map(({ summary }) => summary.id).filter((id) => !goes.has(id))
  if (dryRun || doomed.length === 0) return { removed: doomed, kept: stays, failures: [], dryRun }
  const { failures, spared } = await removeBelow(context, survey, doomed, stays, newestValid ?? 0, signal)
  const left = new Set([...failures.map((failure) => failure.id), ...spared])
  const kept = [...stays, ...spared].sort(ascending)
  return { removed: doomed.filter((id) => !left.has(id)), kept, failures, dryRun }
}

/**
 * The one way in which checkpoints are removed. `doomed` must lie below the newest valid checkpoint. What was pinned
 * meanwhile is spared. A state whose manifest could not be removed stays, so that no manifest ever stands without its state.
 */
async function removeBelow(
  context: HistoryContext,
  survey: Survey,
  doomed: readonly number[],
  stays: readonly number[],
  newestValid: number,
  signal: AbortSignal | undefined,
): Promise<{ failures: PruneFailure[]; spared: number[] }> {
  const { layout, pointer, surveyor } = context
  const remove = async (pins: readonly Pin[], trimmed: readonly string[]) => {
    const pinned = new Set(pins.map((pin) => pin.id))
    const goes = doomed.filter((id) => !pinned.has(id))
    return {
      failures: await removeObjects(context, survey, goes, trimmed, signal),
      spared: doomed.filter((id) => pinned.has(id)),
    }
  }
  if (layout.pointerFormat !== "json") {
    // No floor to raise: pins of this store are made under the same lock.
    return context.removals.run(async () => remove((await surveyor.pins(signal)).pins, []))
  }
  const floor = doomed.reduce((highest, id) => Math.max(highest, id), 0)
  const raised = await pointer.raiseFloor(
    floor,
    stays.filter((id) => id <= floor),
    newestValid,
  )
  return remove(pinsOf({ pins: [] }, raised), trimmedClaims(context, survey, raised))
}

/** The objects of claims that the pointer does not need any more. */
function trimmedClaims({ layout }: HistoryContext, { claims }: Survey, raised: Pointer): string[] {
  const lowest = raised.claims[0]?.epoch ?? 0
  return claims.filter(({ epoch }) => epoch < lowest).map(({ epoch, from }) => layout.claimKey(epoch, from))
}

/** Manifests, then their states. */
async function removeObjects(
  { storage, layout }: HistoryContext,
  survey: Survey,
  doomed: readonly number[],
  trimmed: readonly string[],
  signal: AbortSignal | undefined,
): Promise<PruneFailure[]> {
  const failures: PruneFailure[] = []
  const report = (keyOf: (id: number) => string, ids: readonly number[], failed: readonly DeleteFailure[]) => {
    const byKey = new Map(ids.map((id) => [keyOf(id), id]))
    for (const { key, error } of failed) {
      const id = byKey.get(key)
      // A claim's object that stays does no harm, and goes with the next run.
      if (id !== undefined) failures.push({ id, key, error })
    }
  }
  const manifestKey = (id: number) => layout.manifestKey(id)
  const stateKey = (id: number) => layout.stateKey(id)
  report(manifestKey, doomed, await storage.delete([...doomed.map(manifestKey), ...trimmed], signal))
  const manifestLeft = new Set(failures.map((failure) => failure.id))
  const withState = doomed.filter((id) => !manifestLeft.has(id) && survey.states.has(id))
  report(stateKey, withState, await storage.delete(withState.map(stateKey), signal))
  return failures
}

/** Removes one checkpoint below the newest valid one. False if it is not there. */
export async function removeOne(
  context: RetentionContext,
  id: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { survey, pointer } = await surveyWithPointer(context, signal)
  if (!survey.manifests.has(id)) return false
  const newestValid = await newestValidId(context, survey, pointer, signal)
  if (newestValid === undefined || id >= newestValid) {
    const which = newestValid === id ? "the newest valid checkpoint" : "not below the newest valid checkpoint"
    const message = `checkpoint ${id} is ${which}, and nothing there is ever deleted. Save a newer one first.`
    throw new CheckpointError("CKPT_INVALID", message, { checkpointId: id })
  }
  const pin = pinsOf(survey, pointer).find((one) => one.id === id)
  if (pin !== undefined) throw isPinned(id, pin.name)
  const stays = [...survey.manifests.keys()].filter((other) => other !== id && counts(other, pointer)).sort(ascending)
  const { failures, spared } = await removeBelow(context, survey, [id], stays, newestValid, signal)
  if (failures[0] !== undefined) throw failures[0].error
  if (spared.length > 0) throw isPinned(id)
  return true
}

function isPinned(id: number, name?: string): CheckpointError {
  const message = `checkpoint ${id} is pinned${name === undefined ? "" : ` as ${name}`}, so it is not removed. unpin() it first.`
  return new CheckpointError("CKPT_INVALID", message, { checkpointId: id })
}
