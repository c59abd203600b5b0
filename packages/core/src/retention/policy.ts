import { isDue } from "../async/age.js"
import { CheckpointError } from "../errors.js"
import type { CheckpointSummary } from "../history/summary.js"

/**
 * Which checkpoints stay: each valid checkpoint that at least one rule keeps. An empty policy is `CKPT_INVALID`.
 *
 * The latest valid checkpoint, every checkpoint above it, every pinned checkpoint and every manifest of a newer version
 * always stay. A damaged checkpoint stays until `last` valid checkpoints lie above it (without `last`: one).
 */
export interface RetentionPolicy {
  /** Keeps the latest `last` valid checkpoints. A whole number from 1. */
  last?: number
  /**
   * Keeps the checkpoints whose manifest was last written within this many milliseconds, by the storage's clock. Also those
   * that seem years older than that, or to come from the future: then a clock was wrong.
   */
  withinMs?: number
  /** Keeps the checkpoints whose id is a multiple of `every`. A whole number from 1. */
  every?: number
  /** Keeps the checkpoints for which this function gives true. It must answer at once, not by a promise. */
  keepIf?: (summary: CheckpointSummary) => boolean
}

/** @throws {CheckpointError} `CKPT_INVALID` if the policy is missing, is empty or cannot be used */
export function assertPolicy(policy: RetentionPolicy | undefined): asserts policy is RetentionPolicy {
  if (policy !== undefined) checkPolicy(policy)
  else
    throw new CheckpointError(
      "CKPT_INVALID",
      "prune needs a policy such as { last: 3 }, or a store opened with `retain`.",
    )
}

/** @throws {CheckpointError} `CKPT_INVALID` if the policy is empty or cannot be used */
export function checkPolicy(policy: RetentionPolicy): RetentionPolicy {
  const invalid = (message: string) => new CheckpointError("CKPT_INVALID", `retention: ${message}`)
  if (typeof policy !== "object" || policy === null) throw invalid("give a policy such as { last: 3 }.")
  const { last, withinMs, every, keepIf } = policy
  if (last !== undefined && (!Number.isSafeInteger(last) || last < 1)) {
    throw invalid(`last is ${last}; give a whole number from 1 (the latest valid checkpoint always stays).`)
  }
  if (withinMs !== undefined && !(withinMs >= 0)) throw invalid(`withinMs is ${withinMs}; give milliseconds from 0.`)
  if (every !== undefined && (!Number.isSafeInteger(every) || every < 1)) {
    throw invalid(`every is ${every}; give a whole number from 1.`)
  }
  if (keepIf !== undefined && typeof keepIf !== "function") throw invalid("keepIf is not a function.")
  if (last === undefined && withinMs === undefined && every === undefined && keepIf === undefined) {
    throw invalid("the policy is empty, so it would keep the latest checkpoint alone. Say so: { last: 1 }.")
  }
  return policy
}

/** The ids of `all` (ascending) that the rules keep. A damaged checkpoint fills no place of `last`. */
export function keptBy(policy: RetentionPolicy, all: readonly CheckpointSummary[], nowMs: number): Set<number> {
  const valid = all.filter((summary) => summary.valid)
  const kept = new Set<number>()
  if (policy.last !== undefined) for (const summary of valid.slice(-policy.last)) kept.add(summary.id)
  for (const summary of valid) {
    const ageMs = nowMs - summary.lastModified.getTime()
    // Ages are whole milliseconds. An age of exactly `withinMs` is kept.
    if (policy.withinMs !== undefined && !isDue(ageMs, Math.floor(policy.withinMs) + 1)) kept.add(summary.id)
    if (policy.every !== undefined && summary.id % policy.every === 0) kept.add(summary.id)
    const wanted: unknown = policy.keepIf?.(summary)
    if (wanted instanceof Promise) {
      throw new CheckpointError(
        "CKPT_INVALID",
        "retention: keepIf must answer at once, not by a promise. Nothing was removed.",
      )
    }
    if (wanted) kept.add(summary.id)
  }
  return kept
}

/**
 * The invalid checkpoints that stay: retention deletes no checkpoint that it cannot judge. A manifest of a newer
 * version stays, so that going back to an older release loses nothing. A damaged checkpoint stays until as many valid
 * checkpoints lie above it as `last` keeps (without `last`: one).
 *
 * @param counting the checkpoints that count, ascending
 */
export function keptUnjudged(policy: RetentionPolicy, counting: readonly CheckpointSummary[]): Set<number> {
  const kept = new Set<number>()
  let validAbove = 0
  for (const { id, valid, issues } of [...counting].reverse()) {
    if (valid) validAbove++
    else if (validAbove < (policy.last ?? 1) || issues.some(({ code }) => code === "manifest-version")) kept.add(id)
  }
  return kept
}
