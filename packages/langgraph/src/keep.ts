import { byUtf8 } from "@ckpt/core/adapter"
import type { CheckpointMetadata } from "@langchain/langgraph-checkpoint"
import type { StoredCheckpoint } from "./format.js"
import { baseOf, nameOf } from "./keys.js"
import type { Listed } from "./names.js"
import type { PruneThreadOptions } from "./rules.js"
import { patienceMs } from "./time.js"

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
 * @param damaged those that stay since they do not verify
 */
export function keptOf(
  seen: readonly Seen[],
  damaged: readonly Listed[],
  rules: PruneThreadOptions,
  now: number,
): ReadonlySet<Seen> {
  const byBase = new Map(seen.map((each) => [each.one.base, each]))
  const withParents = (those: Iterable<Seen>): ReadonlySet<Seen> => {
    const all = new Set(those)
    // A set also gives what is added while it is walked through: a parent that needs its own.
    for (const { stored, needsParent } of all) {
      if (!needsParent || stored.parentId === undefined) continue
      const parent = byBase.get(baseOf(stored, stored.parentId))
      if (parent !== undefined) all.add(parent)
    }
    return all
  }
  const kept = withParents(ofRules(seen, rules, now))
  return withParents([...kept, ...ofRoots(seen, kept, damaged, now)])
}

/** Those that need their parent, each before its parent. A child's id may be the lesser: ids come from the clocks of several machines. */
export function childrenFirst(seen: readonly Seen[]): Seen[] {
  const waiting = new Map(seen.filter(({ needsParent }) => needsParent).map((each) => [each.one.base, each]))
  const parentOf = ({ stored }: Seen) =>
    stored.parentId === undefined ? undefined : waiting.get(baseOf(stored, stored.parentId))
  const children = new Map<Seen, number>()
  for (const each of waiting.values()) {
    const parent = parentOf(each)
    if (parent !== undefined) children.set(parent, (children.get(parent) ?? 0) + 1)
  }
  const sorted = [...waiting.values()].filter((each) => !children.has(each))
  // An array also gives what is added while it is walked through.
  for (const each of sorted) {
    const parent = parentOf(each)
    if (parent === undefined) continue
    const left = (children.get(parent) ?? 0) - 1
    children.set(parent, left)
    if (left === 0) sorted.push(parent)
  }
  return sorted
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
function ofRoots(seen: readonly Seen[], kept: ReadonlySet<Seen>, damaged: readonly Listed[], now: number): Seen[] {
  const ids = (those: Iterable<Seen>) =>
    new Set([...[...those].map(({ one }) => one), ...damaged].filter(isOfGraph).map(({ checkpointId }) => checkpointId))
  const [all, staying] = [ids(seen), ids(kept)]
  return seen.filter((each) => {
    if (isOfGraph(each.one)) return false
    const root = each.metadata.parents?.[""]
    // Nobody knows what it belongs to.
    if (root === undefined) return isOfOneTask(each.stored.checkpointNs)
    // A root that is not there is still on its way, or was removed.
    return staying.has(root) || (!all.has(root) && now - each.one.modified.getTime() < patienceMs)
  })
}

function isOfGraph({ base }: Listed): boolean {
  return base.split("/")[2] === nameOf("")
}

/** Whether a namespace has the id of a task in it: it is used once. That of a subgraph with a memory of its own has none. */
export function isOfOneTask(checkpointNs: string): boolean {
  return checkpointNs.includes(":")
}
