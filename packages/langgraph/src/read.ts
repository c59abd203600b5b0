import { isDeepStrictEqual } from "node:util"
import { byUtf8 } from "@ckpt/core/adapter"
import type { CheckpointListOptions, CheckpointTuple } from "@langchain/langgraph-checkpoint"
import { placeOf } from "./arguments.js"
import type { Config, Context } from "./context.js"
import { isDamage, tellDamaged } from "./damaged.js"
import { allCheckpoints, allOf, baseOf, checkpointsOf, folderOf, nameOf, type Place } from "./keys.js"
import { loadListed, metadataOf, readStored, tupleOf } from "./load.js"
import { type Listed, listed } from "./names.js"
import { pendingWrites } from "./writes.js"

/** The checkpoint with an id; for an empty id the latest that verifies. */
export async function getTuple(context: Context, place: Place, id: string): Promise<CheckpointTuple | undefined> {
  if (id !== "") {
    for await (const one of listed(context.objects, allOf(baseOf(place, id))))
      if (one.isThere) return loadListed(context, one)
    return undefined
  }
  return latest(context, place, new Set())
}

/** @param gone those that a listing has shown, and that were not there when they were read */
async function latest(context: Context, place: Place, gone: Set<string>): Promise<CheckpointTuple | undefined> {
  const damaged: unknown[] = []
  for await (const one of listed(context.objects, folderOf(place))) {
    const before = damaged.length
    const tuple = await verified(context, one, place.threadId, () => loadListed(context, one), damaged)
    if (tuple !== undefined) return tuple
    if (!one.isThere || damaged.length > before || gone.has(one.base)) continue
    // A prune has removed it since, for a later one that the listing lacks. So an older one is not the answer.
    return latest(context, place, gone.add(one.base))
  }
  if (damaged.length > 0) throw damaged[0]
  return undefined
}

/** The checkpoints that a config and options select, the latest first. */
export async function* list(
  context: Context,
  config: Config,
  options: CheckpointListOptions,
): AsyncGenerator<CheckpointTuple, void, void> {
  const { filter = {}, limit = Number.POSITIVE_INFINITY } = options
  const before: string | undefined = options.before?.configurable?.["checkpoint_id"]
  const { thread_id: threadId, checkpoint_id: id } = config.configurable ?? {}
  const matches = (metadata: object) =>
    Object.entries(filter).every(([key, value]) => isDeepStrictEqual((metadata as typeof filter)[key], value))
  // What a checkpoint has in common with the one before it is read once.
  const atHand = new Map<string, Uint8Array>()
  let left = limit
  for await (const one of selected(context, config, before)) {
    if (left <= 0) return
    if (id && one.checkpointId !== id) continue
    if (before && byUtf8(one.checkpointId, before) >= 0) continue
    const tuple = await verified(context, one, threadId, async () => {
      const found = await readStored(context, one.base)
      if (found === undefined || !matches(await metadataOf(context, found.stored))) return undefined
      const writes = await pendingWrites(context, one.writes)
      return writes && tupleOf(context, one.base, found, writes, atHand)
    })
    if (tuple === undefined) continue
    left--
    yield tuple
  }
}

/** The checkpoints of a config's thread and namespace, or of all, the latest first. */
async function* selected({ objects }: Context, config: Config, before: string | undefined): AsyncGenerator<Listed> {
  const { thread_id: threadId, checkpoint_ns: checkpointNs } = config.configurable ?? {}
  if (threadId !== undefined && checkpointNs !== undefined) {
    const place = placeOf("list", config)
    yield* listed(objects, folderOf(place), before && baseOf(place, before))
    return
  }
  const from = threadId === undefined ? allCheckpoints : checkpointsOf(placeOf("list", config).threadId)
  const all: Listed[] = []
  for await (const one of listed(objects, from)) {
    if (checkpointNs === undefined || one.base.split("/")[2] === nameOf(checkpointNs)) all.push(one)
  }
  yield* all.sort((a, b) => byUtf8(b.checkpointId, a.checkpointId))
}

/**
 * What `load` gives; `undefined` for a checkpoint that does not verify.
 *
 * @param damaged takes the error of such a checkpoint
 */
async function verified(
  context: Context,
  one: Listed,
  threadId: string | undefined,
  load: () => Promise<CheckpointTuple | undefined>,
  damaged: unknown[] = [],
): Promise<CheckpointTuple | undefined> {
  try {
    return one.isThere ? await load() : undefined
  } catch (error) {
    if (!isDamage(error)) throw error
    damaged.push(error)
    tellDamaged(context, one, threadId, error)
    return undefined
  }
}
