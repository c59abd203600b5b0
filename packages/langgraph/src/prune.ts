import { mapConcurrently } from "@ckpt/core/adapter"
import type { Checkpoint } from "@langchain/langgraph-checkpoint"
import type { Context } from "./context.js"
import { isDamage, tellDamaged } from "./damaged.js"
import { childrenFirst, isOfOneTask, keptOf, latestFirst, type Seen } from "./keep.js"
import { checkpointKey, checkpointsOf, dayOf, piecesOf } from "./keys.js"
import { loadListed, metadataOf, readStored } from "./load.js"
import { type Listed, listed } from "./names.js"
import { keysOf } from "./pieces.js"
import type { PrunedThread, PruneThreadOptions } from "./rules.js"
import { firstYoungDay, patienceMs, storageTime } from "./time.js"

/** What does not verify stays, and is told. */
export async function pruneThread(
  context: Context,
  threadId: string,
  rules: PruneThreadOptions,
): Promise<PrunedThread> {
  const { objects } = context
  const now = await storageTime(context, threadId)
  const pieces = await objects.list({ prefix: piecesOf(threadId) })
  const all: Listed[] = []
  for await (const one of listed(objects, checkpointsOf(threadId))) all.push(one)
  const { seen, damaged } = await look(context, threadId, all)
  const kept = keptOf(seen, damaged, rules, now)
  const doomed = seen.filter((each) => !kept.has(each))
  // A checkpoint goes before what it needs.
  for (const { one } of childrenFirst(doomed)) await objects.remove(checkpointKey(one.base))
  const rest = doomed.filter(({ needsParent }) => !needsParent)
  await objects.remove(rest.map(({ one }) => checkpointKey(one.base)))
  const abandoned = all.filter(({ isThere, modified }) => !isThere && now - modified.getTime() > patienceMs)
  await objects.remove([...doomed.map(({ one }) => one), ...abandoned].flatMap(({ writes }) => writes))
  const removed = doomed.map(({ one }) => one.checkpointId)
  const left = all.filter(({ isThere }) => isThere).length - removed.length
  // What a damaged checkpoint names is not known.
  if (damaged.length > 0) return { removed, left, pieces: 0 }
  const named = new Set([...kept].flatMap((each) => each.pieces))
  const firstDay = firstYoungDay(now)
  const unnamed = pieces.map(({ key }) => key).filter((key) => dayOf(key) < firstDay && !named.has(key))
  await objects.remove(unnamed)
  return { removed, left, pieces: unnamed.length }
}

/**
 * The checkpoints of a thread. Of each namespace at least the latest is whole, with its values, and durable: no older one may go for it
 * otherwise.
 */
async function look(context: Context, threadId: string, all: readonly Listed[]) {
  const damaged: Listed[] = []
  const unlessDamaged = async <T>(one: Listed, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read()
    } catch (error) {
      if (!isDamage(error)) throw error
      damaged.push(one)
      tellDamaged(context, one, threadId, error)
      return undefined
    }
  }
  const there = all.filter(({ isThere }) => isThere)
  const keys = new Map<string, string>()
  const read = await mapConcurrently(there, (one) => unlessDamaged(one, () => seenOf(context, one, keys)))
  const seen: Seen[] = []
  const withLatest = new Set<string>()
  for (const each of read.filter((one) => one !== undefined).sort(latestFirst)) {
    const { checkpointNs } = each.stored
    let isInDoubt = false
    if (!withLatest.has(checkpointNs)) {
      const tuple = await unlessDamaged(each.one, () => loadListed(context, each.one))
      if (tuple === undefined) continue
      // What is used once goes by no rule of its own.
      isInDoubt = !isOfOneTask(checkpointNs) && !(await context.objects.isDurable(checkpointKey(each.one.base)))
      if (!isInDoubt) withLatest.add(checkpointNs)
    }
    seen.push({ ...each, isInDoubt })
  }
  return { seen, damaged }
}

/** @param keys those that were seen: a piece that many checkpoints name is one string in memory */
async function seenOf(context: Context, one: Listed, keys: Map<string, string>): Promise<Seen | undefined> {
  const stored = (await readStored(context, one.base))?.stored
  if (stored === undefined) return undefined
  const metadata = await metadataOf(context, stored)
  const { v } = (await context.serde.loadsTyped(...stored.checkpoint)) as Checkpoint
  const isDelta = Object.keys(metadata.counters_since_delta_snapshot ?? {}).length > 0
  const named = keysOf(stored)
  for (const key of named) if (!keys.has(key)) keys.set(key, key)
  const pieces = named.map((key) => keys.get(key) as string)
  const { threadId, checkpointNs, parentId } = stored
  return {
    one,
    stored: { threadId, checkpointNs, parentId },
    pieces,
    metadata,
    needsParent: v < 4 || isDelta,
    isInDoubt: false,
  }
}
