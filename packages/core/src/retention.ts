import type { DeleteFailure, ObjectMeta } from "./backend.js"
import type { CommitContext } from "./commit.js"
import { CheckpointError } from "./errors.js"
import { type Examination, examine } from "./examine.js"
import type { ValidationIssue } from "./manifest/validate.js"
import { ascending, counts, type Pointer } from "./pointer.js"
import { mapConcurrently } from "./storage.js"
import { isBehind, oldestFirst, type Survey } from "./survey.js"

/**
 * Which checkpoints stay: one that any of the rules keeps. The newest valid one always stays, and so does everything
 * above it.
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

/** One checkpoint as `list` shows it; a damaged one has its issues and lacks what could not be read. */
export interface CheckpointSummary {
  readonly id: number
  readonly epoch?: number
  /** As its writer's clock had it, in milliseconds since 1970. */
  readonly timestampMs?: number
  /** No fatal issue. The state's checksum is not read for a list; `verify` and `recover` do. */
  readonly valid: boolean
  readonly issues: readonly ValidationIssue[]
  /** Bytes of `state.bin`. */
  readonly stateSize?: number
  /** When the manifest was last written, by the storage's clock. */
  readonly lastModified: Date
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
  /** Every object that should be gone and is not. The next run tries again. */
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

export interface RetentionContext extends CommitContext {
  /** True for a checkpoint whose state this process has found damaged: its manifest alone does not show it. */
  readonly isDistrusted: (examination: Examination) => boolean
}

export function summarize(examination: Examination, listed: ObjectMeta): CheckpointSummary {
  const { id, manifest, issues, valid, stateMeta } = examination
  const stateSize = manifest?.stateSize ?? stateMeta?.size
  return {
    id,
    ...(manifest === undefined ? {} : { epoch: manifest.epoch, timestampMs: manifest.timestampMs }),
    valid,
    issues,
    ...(stateSize === undefined ? {} : { stateSize }),
    lastModified: (examination.manifestMeta ?? listed).lastModified,
  }
}

/** Everything that counts, looked at one by one: manifests are read, states are compared by size. */
export async function summaries(
  context: RetentionContext,
  survey: Survey,
  ids: readonly number[],
  signal: AbortSignal | undefined,
): Promise<CheckpointSummary[]> {
  const found = await mapConcurrently(ids, async (id) => {
    const examination = await examine(context, id, { depth: "shallow", listed: survey.states.get(id) ?? null, signal })
    if (examination.gone) return undefined
    const listed = survey.manifests.get(id) as ObjectMeta
    const summary = summarize(examination, listed)
    return context.isDistrusted(examination) ? { ...summary, valid: false } : summary
  })
  return found.filter((summary) => summary !== undefined)
}

/** What stays of `all` (ascending), given which one is the newest valid. */
function keptBy(policy: RetentionPolicy, all: readonly CheckpointSummary[], nowMs: number): Set<number> {
  const valid = all.filter((summary) => summary.valid)
  const kept = new Set<number>()
  for (const summary of valid.slice(-(policy.last ?? 0) || valid.length)) {
    if (policy.last !== undefined) kept.add(summary.id)
  }
  for (const summary of valid) {
    if (policy.withinMs !== undefined && nowMs - summary.lastModified.getTime() <= policy.withinMs) kept.add(summary.id)
    if (policy.every !== undefined && summary.id % policy.every === 0) kept.add(summary.id)
    if (policy.keep?.(summary) === true) kept.add(summary.id)
  }
  return kept
}

/** Lists until the listing is no older than the pointer, and reads the pointer after it. */
export async function surveyWithPointer(
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<{ survey: Survey; pointer: Pointer }> {
  let survey = await context.surveyor.everything(signal)
  let pointer = await context.pointer.read(signal)
  if (isBehind(survey, pointer)) {
    survey = await context.surveyor.everything(signal)
    pointer = await context.pointer.read(signal)
  }
  return { survey, pointer }
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
    context.pointer.read(signal),
    summaries(context, survey, ids, signal),
    policy.withinMs === undefined ? new Date(0) : context.storage.now(signal),
  ])
  const counting = all.filter((summary) => counts(summary.id, pointer))
  const newestValid = counting.findLast((summary) => summary.valid)?.id
  const doomed: number[] = []
  if (newestValid !== undefined) {
    const kept = keptBy(policy, counting, now.getTime())
    for (const { id } of all) if (id < newestValid && !(kept.has(id) && counts(id, pointer))) doomed.push(id)
  }
  const stays = all.map((summary) => summary.id).filter((id) => !doomed.includes(id))
  if (dryRun || doomed.length === 0) return { removed: doomed, kept: stays, failures: [], dryRun }
  const failures = await removeBelow(context, survey, doomed, stays, signal)
  const failed = new Set(failures.map((failure) => failure.id))
  return { removed: doomed.filter((id) => !failed.has(id)), kept: stays, failures, dryRun }
}

/**
 * The one way in which checkpoints are removed. `doomed` must lie below the newest valid checkpoint. A state whose
 * manifest could not be removed stays, so that no manifest ever stands without its state.
 */
async function removeBelow(
  context: CommitContext,
  survey: Survey,
  doomed: readonly number[],
  stays: readonly number[],
  signal: AbortSignal | undefined,
): Promise<PruneFailure[]> {
  const { storage, layout, pointer } = context
  const floor = Math.max(...doomed)
  await pointer.raiseFloor(
    floor,
    stays.filter((id) => id <= floor),
  )
  const failures: PruneFailure[] = []
  const report = (keyOf: (id: number) => string, ids: readonly number[], failed: readonly DeleteFailure[]) => {
    const byKey = new Map(ids.map((id) => [keyOf(id), id]))
    for (const { key, error } of failed) failures.push({ id: byKey.get(key) ?? 0, key, error })
  }
  const manifestKey = (id: number) => layout.manifestKey(id)
  const stateKey = (id: number) => layout.stateKey(id)
  report(manifestKey, doomed, await storage.delete(doomed.map(manifestKey), signal))
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
  const stays = [...survey.manifests.keys()].filter((other) => other !== id && counts(other, pointer)).sort(ascending)
  const [failure] = await removeBelow(context, survey, [id], stays, signal)
  if (failure !== undefined) throw failure.error
  return true
}

async function newestValidId(
  context: RetentionContext,
  survey: Survey,
  pointer: Pointer,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  for (const id of oldestFirst(survey.manifests.keys()).reverse()) {
    if (!counts(id, pointer)) continue
    const [summary] = await summaries(context, survey, [id], signal)
    if (summary?.valid) return id
  }
  return undefined
}

export interface OrphanReport {
  /** Keys and names that are gone (for a dry run: that would be). */
  readonly removed: readonly string[]
  readonly failures: readonly { readonly key: string; readonly error: unknown }[]
  readonly dryRun: boolean
}

export const defaultOrphanAgeMs = 60 * 60 * 1000

/**
 * Removes what saves that never finished left behind: states without a manifest, and what only the backend can see.
 * The order matters: the newest valid checkpoint is determined first, then states are listed, then manifests; so a
 * save that is under way is either above that checkpoint, or young, or has its manifest by then.
 */
export async function collectOrphans(
  context: RetentionContext,
  options: { olderThanMs?: number; dryRun?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<OrphanReport> {
  const { storage, layout, surveyor } = context
  const { olderThanMs = defaultOrphanAgeMs, signal } = options
  const dryRun = options.dryRun ?? false
  if (!(olderThanMs >= 0))
    throw new CheckpointError("CKPT_INVALID", `olderThanMs is ${olderThanMs}; give milliseconds from 0.`)

  const [bound, now] = await Promise.all([lowerBoundOfNewestValid(context, signal), storage.now(signal)])
  const isOld = (meta: ObjectMeta) => now.getTime() - meta.lastModified.getTime() >= olderThanMs
  const states = await surveyor.states(signal)
  const manifests = await surveyor.manifests(signal)
  const orphans: { id: number; key: string }[] = []
  // Of names that are only taken, an empty directory is ours; anything else there is not.
  const emptyDirectories = [...states.taken].filter(([, meta]) => meta.key.endsWith("/"))
  for (const [id, meta] of [...states.states, ...emptyDirectories]) {
    if (id < bound && !manifests.manifests.has(id) && isOld(meta)) orphans.push({ id, key: meta.key })
  }
  const probes = states.probes.filter(isOld).map((meta) => meta.key)

  const removed: string[] = []
  const failures: { key: string; error: unknown }[] = []
  const keys = [...orphans.map((orphan) => orphan.key), ...probes]
  if (dryRun) removed.push(...keys)
  else if (keys.length > 0) {
    if (orphans.length > 0) {
      const floor = orphans.reduce((highest, orphan) => Math.max(highest, orphan.id), 0)
      const stays = [...manifests.manifests.keys()].filter((id) => id <= floor)
      await context.pointer.raiseFloor(floor, stays)
    }
    failures.push(...(await storage.delete(keys, signal)))
    const left = new Set(failures.map((failure) => failure.key))
    removed.push(...keys.filter((key) => !left.has(key)))
  }
  const prefix =
    layout.statePrefix === layout.manifestPrefix
      ? layout.statePrefix
      : commonPrefix(layout.statePrefix, layout.manifestPrefix)
  for (const leftover of await storage.leftovers({ olderThanMs, prefix, dryRun, signal })) {
    if (leftover.error === undefined) removed.push(leftover.name)
    else failures.push({ key: leftover.name, error: leftover.error })
  }
  return { removed, failures, dryRun }
}

function commonPrefix(a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return a.slice(0, a.lastIndexOf("/", length - 1) + 1)
}

/**
 * An id at or below the newest valid one, found before anything is listed for collection. The pointer's own checkpoint
 * serves in the common case; where it does not verify, all are looked at.
 */
async function lowerBoundOfNewestValid(context: RetentionContext, signal: AbortSignal | undefined): Promise<number> {
  const seen = await context.pointer.lastSeen(signal)
  if (seen.checkpointId > 0) {
    const examination = await examine(context, seen.checkpointId, { depth: "shallow", signal })
    if (examination.valid && !context.isDistrusted(examination)) return seen.checkpointId
  }
  const { survey, pointer } = await surveyWithPointer(context, signal)
  return (await newestValidId(context, survey, pointer, signal)) ?? 0
}
