import { byUtf8 } from "@ckpt/core/adapter"
import type { CheckpointMetadata } from "@langchain/langgraph-checkpoint"
import type { StoredCheckpoint } from "./format.js"
import { descending, folderOf } from "./keys.js"
import type { Listed } from "./names.js"
import { patienceMs } from "./pieces.js"
import type { PruneThreadOptions } from "./rules.js"

/** A checkpoint that was read. */
export interface Seen {
  readonly one: Listed
  readonly stored: Pick<StoredCheckpoint, "threadId" | "checkpointNs" | "parentId">
  /** The keys of the pieces that it names. */
  readonly pieces: readonly string[]
  readonly metadata: CheckpointMetadata
  /** It is whole only together with its parent: it sends what the parent's tasks wrote, or has a channel that was not stored since. */
  readonly needsParent: boolean
  /** A crash may still undo it: it stays, and counts as none of the latest. */
  readonly isInDoubt: boolean
}

export const latestFirst = (a: Seen, b: Seen): number => byUtf8(b.one.checkpointId, a.one.checkpointId)

/**
 * The checkpoints of a thread that stay.
 *
 * @param seen the latest first
 */
export function keptOf(seen: readonly Seen[], policy: PruneThreadOptions, now: number): ReadonlySet<Seen> {
  const kept = new Set(ofRules(seen, policy, now))
  for (const each of ofRoots(seen, kept, now)) kept.add(each)
  const byBase = new Map(seen.map((each) => [each.one.base, each]))
  // A set also gives what is added while it is walked through: a parent that needs its own.
  for (const { stored, needsParent } of kept) {
    if (!needsParent || stored.parentId === undefined) continue
    const parent = byBase.get(folderOf(stored) + descending(stored.parentId))
    if (parent !== undefined) kept.add(parent)
  }
  return kept
}

function ofRules(seen: readonly Seen[], { last = 1, withinMs = 0, keep = [] }: PruneThreadOptions, now: number) {
  const counts = new Map<string, number>()
  return seen.filter(({ one, stored: { checkpointNs }, isInDoubt }) => {
    if (isInDoubt || keep.includes(one.checkpointId)) return true
    if (isOfOneTask(checkpointNs)) return false
    const place = counts.get(checkpointNs) ?? 0
    counts.set(checkpointNs, place + 1)
    return place < last || now - one.modified.getTime() < withinMs
  })
}

/** Those of subgraphs go with the checkpoint of the graph that they ran on. */
function ofRoots(seen: readonly Seen[], kept: ReadonlySet<Seen>, now: number): Seen[] {
  const isRoot = ({ stored }: Seen) => stored.checkpointNs === ""
  const ids = (those: Iterable<Seen>) => new Set([...those].filter(isRoot).map(({ one }) => one.checkpointId))
  const [all, staying] = [ids(seen), ids(kept)]
  return seen.filter((each) => {
    if (isRoot(each)) return false
    const root = each.metadata.parents?.[""]
    // Nobody knows what it belongs to.
    if (root === undefined) return isOfOneTask(each.stored.checkpointNs)
    // A root that is not there is still on its way, or was removed.
    return staying.has(root) || (!all.has(root) && now - each.one.modified.getTime() < patienceMs)
  })
}

/** Whether a namespace has the id of a task in it: it is used once. That of a subgraph with a memory of its own has none. */
export function isOfOneTask(checkpointNs: string): boolean {
  return checkpointNs.includes(":")
}
