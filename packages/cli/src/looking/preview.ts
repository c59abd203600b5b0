import type { CheckpointSummary, RetentionPolicy, StoreOperations } from "@ckpt/core"
import { durationText } from "../output/amounts.js"
import { problemOf, stateBytes } from "./rows.js"

/** What retention would do with one checkpoint. */
export interface PreviewRow {
  readonly id: number
  readonly goes: boolean
  /** Why it stays, or why it goes, for people. */
  readonly reasons: readonly string[]
  readonly bytes: number
  readonly lastModified: Date
  readonly valid: boolean
}

/** What `prune` would do. */
export interface Preview {
  /** Ascending by id. */
  readonly rows: readonly PreviewRow[]
  /** Ids, ascending. */
  readonly removed: readonly number[]
  /** Bytes of the states that would go. */
  readonly freedBytes: number
}

/**
 * Asks the store what a policy would remove, and explains each answer. The store decides; the reasons only put its rules into words.
 *
 * @throws {CheckpointError} the codes of `prune` with `dryRun`, and of `list`
 */
export async function previewPrune(
  store: StoreOperations,
  policy: RetentionPolicy,
  now: Date,
  signal?: AbortSignal,
): Promise<Preview> {
  const { removed } = await store.prune(policy, { dryRun: true, signal })
  const all: CheckpointSummary[] = []
  for await (const summary of store.list({ signal })) all.push(summary)
  const goes = new Set(removed)
  const facts = factsOf(all, policy)
  const rows = all.map((summary): PreviewRow => {
    const { id, valid, lastModified } = summary
    const why = goes.has(id) ? [whyGone(summary, policy)] : whyKept(summary, policy, facts, now)
    return { id, goes: goes.has(id), reasons: why, bytes: stateBytes(summary) ?? 0, lastModified, valid }
  })
  const freedBytes = rows.reduce((sum, row) => sum + (row.goes ? row.bytes : 0), 0)
  return { rows, removed, freedBytes }
}

interface Facts {
  readonly latestValid: number | undefined
  /** The latest valid ids that `last` keeps. */
  readonly last: ReadonlySet<number>
}

function factsOf(all: readonly CheckpointSummary[], { last = 0 }: RetentionPolicy): Facts {
  const valid = all.filter((summary) => summary.valid).map(({ id }) => id)
  return { latestValid: valid.at(-1), last: new Set(last > 0 ? valid.slice(-last) : []) }
}

function whyKept(summary: CheckpointSummary, policy: RetentionPolicy, facts: Facts, now: Date): string[] {
  const { id, valid, pins = [], lastModified, issues } = summary
  const { latestValid } = facts
  const reasons: string[] = []
  if (id === latestValid) reasons.push("the latest valid checkpoint")
  else if (latestValid === undefined) reasons.push("no checkpoint here is valid")
  else if (id > latestValid) reasons.push("above the latest valid checkpoint")
  if (pins.length > 0) reasons.push(`pinned: ${pins.join(", ")}`)
  if (issues.some(({ code }) => code === "manifest-version")) reasons.push("written by a newer version")
  if (facts.last.has(id)) reasons.push(`last=${policy.last}`)
  if (valid && policy.withinMs !== undefined && now.getTime() - lastModified.getTime() <= policy.withinMs) {
    reasons.push(`within=${durationText(policy.withinMs)}`)
  }
  if (valid && policy.every !== undefined && id % policy.every === 0) reasons.push(`every=${policy.every}`)
  if (reasons.length > 0) return reasons
  return [
    valid ? "the latest of which every sink has committed" : "damaged, and too few valid checkpoints lie above it",
  ]
}

function whyGone(summary: CheckpointSummary, { last, withinMs, every }: RetentionPolicy): string {
  if (!summary.valid) return `damaged (${problemOf(summary)?.code}), and enough valid checkpoints lie above it`
  const rules = [
    last === undefined ? "" : `last=${last}`,
    withinMs === undefined ? "" : `within=${durationText(withinMs)}`,
    every === undefined ? "" : `every=${every}`,
  ].filter((rule) => rule !== "")
  return `kept by none of: ${rules.join(", ")}`
}
