import { isDue } from "../async/age.js"
import { CheckpointError } from "../errors.js"
import type { CheckpointSummary } from "../history/summary.js"
import { checkOptions } from "../input/check-options.js"
import { aFunction, milliseconds, type ShapeOf, wholeNumber } from "../input/kinds.js"
import { show } from "../input/show.js"

/**
 * Which checkpoints stay: each valid checkpoint that at least one rule keeps. An empty policy is `CKPT_INVALID`.
 *
 * The latest valid checkpoint, every checkpoint above it, every pinned checkpoint and every manifest of a newer version
 * always stay; so does the latest valid checkpoint of which no sink is pending or failed. A damaged checkpoint stays until
 * `last` valid checkpoints lie above it (without `last`: one).
 */
export interface RetentionPolicy {
  /** Keeps the latest `last` valid checkpoints. A whole number from 1. */
  last?: number | undefined
  /**
   * Keeps the checkpoints whose manifest was last written within this many milliseconds, by the storage's clock. Also those
   * that seem years older than that, or to come from the future: then a clock was wrong.
   */
  withinMs?: number | undefined
  /** Keeps the checkpoints whose id is a multiple of `every`. A whole number from 1. */
  every?: number | undefined
  /** Keeps the checkpoints for which this function gives true. It must answer at once, not by a promise. */
  keepIf?: ((summary: CheckpointSummary) => boolean) | undefined
}

/** The kinds of {@link RetentionPolicy}. */
export const policyShape: ShapeOf<RetentionPolicy> = {
  fields: { last: wholeNumber(1), withinMs: milliseconds(), every: wholeNumber(1), keepIf: aFunction },
  hints: {
    dryRun: "it belongs into the second argument: prune(policy, { dryRun: true })",
    signal: "it belongs into the second argument: prune(policy, { signal })",
  },
  example: "a policy such as { last: 3 }",
}

/** @throws {CheckpointError} `CKPT_INVALID` if the policy is missing, is empty or cannot be used */
export function assertPolicy(policy: RetentionPolicy | undefined): asserts policy is RetentionPolicy {
  if (policy === undefined) {
    const message = "prune needs a policy such as { last: 3 }, or a store opened with `retain`."
    throw new CheckpointError("CKPT_INVALID", message)
  }
  checkOptions("prune", policy, policyShape)
  assertRules("prune", policy)
}

/** @throws {CheckpointError} `CKPT_INVALID` if no rule is given */
export function assertRules(what: string, policy: RetentionPolicy): void {
  const { last, withinMs, every, keepIf } = policy
  if (last !== undefined || withinMs !== undefined || every !== undefined || keepIf !== undefined) return
  const message = `${what}: the policy is empty, so it would keep the latest checkpoint alone. Say so: { last: 1 }.`
  throw new CheckpointError("CKPT_INVALID", message)
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
    if (policy.keepIf === undefined) continue
    const wanted: unknown = policy.keepIf(summary)
    // An answer that was forgotten must not delete anything.
    if (typeof wanted !== "boolean") throw noAnswer(wanted)
    if (wanted) kept.add(summary.id)
  }
  return kept
}

function noAnswer(wanted: unknown): CheckpointError {
  const message = `retention: keepIf gave ${show(wanted)}; it must return true or false, and at once. Nothing was removed.`
  return new CheckpointError("CKPT_INVALID", message)
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
