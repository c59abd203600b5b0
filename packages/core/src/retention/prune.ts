import { ascending, oldestFirst } from "../format/ids.js"
import type { RetentionContext } from "../history/context.js"
import { counting, summaries } from "../history/summary.js"
import { pinsOf } from "../history/view.js"
import type { OperationOptions } from "../options.js"
import { keptBy, type RetentionPolicy } from "./policy.js"
import { type PruneFailure, removeBelow } from "./remove.js"

export interface PruneReport {
  /** Gone entirely (for a dry run: what would be), ascending. */
  readonly removed: readonly number[]
  readonly kept: readonly number[]
  /** Every object that should be gone and is not. The next run tries a manifest again, `collectOrphans` a state. */
  readonly failures: readonly PruneFailure[]
  readonly dryRun: boolean
}

/**
 * Removes what the policy does not keep, below the latest valid checkpoint only: first the floor is raised, so that
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
  const latestValid = history.findLast((summary) => summary.valid)?.id
  const doomed: number[] = []
  if (latestValid !== undefined) {
    // What does not count is kept by no rule.
    const kept = keptBy(policy, history, now.getTime())
    for (const { id, pins } of history) if (pins !== undefined) kept.add(id)
    for (const { summary } of all) if (summary.id < latestValid && !kept.has(summary.id)) doomed.push(summary.id)
  }
  const goes = new Set(doomed)
  const stays = all.map(({ summary }) => summary.id).filter((id) => !goes.has(id))
  if (dryRun || doomed.length === 0) return { removed: doomed, kept: stays, failures: [], dryRun }
  const { failures, spared } = await removeBelow(context, survey, doomed, stays, latestValid ?? 0, signal)
  const left = new Set([...failures.map((failure) => failure.id), ...spared])
  const kept = [...stays, ...spared].sort(ascending)
  return { removed: doomed.filter((id) => !left.has(id)), kept, failures, dryRun }
}

export interface PruneOptions extends OperationOptions {
  /** Say what would be removed and remove nothing. */
  dryRun?: boolean
}
