import { CheckpointError } from "@ckpt/core"
import { mapConcurrently, together } from "@ckpt/core/adapter"
import {
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
  maxChannelVersion,
  TASKS,
} from "@langchain/langgraph-checkpoint"
import type { Config, Context } from "./context.js"
import { decodeCheckpoint, type StoredCheckpoint, type StoredValue } from "./format.js"
import { checkpointKey, descending, folderOf, type Place, valueKey, writesPrefix } from "./keys.js"
import type { Listed } from "./names.js"
import { pendingWrites, revive, type StoredPending } from "./writes.js"

/** The checkpoint's object, verified; `undefined` if it is absent. */
export async function readStored({ objects }: Context, base: string): Promise<StoredCheckpoint | undefined> {
  const key = checkpointKey(base)
  const found = await objects.read(key)
  return found && decodeCheckpoint(key, found.bytes)
}

export async function metadataOf({ serde }: Context, { metadata: [type, bytes] }: StoredCheckpoint) {
  return (await serde.loadsTyped(type, bytes)) as CheckpointMetadata
}

async function writesOf(context: Context, base: string): Promise<StoredPending[]> {
  const there = await context.objects.list({ prefix: writesPrefix(base) })
  const keys = there.map(({ key }) => key)
  return (await pendingWrites(context, keys)) ?? []
}

/**
 * A checkpoint as LangGraph takes it, with all that belongs to it verified; `undefined` if it was removed meanwhile.
 *
 * @throws {CheckpointError} `CKPT_CORRUPT` if a value does not verify or is gone
 */
export async function tupleOf(
  context: Context,
  base: string,
  stored: StoredCheckpoint,
  writes: readonly StoredPending[],
): Promise<CheckpointTuple | undefined> {
  const { serde } = context
  const { threadId, checkpointId, parentId } = stored
  const channels = await mapConcurrently(stored.values, async (value) => {
    const bytes = await bytesOf(context, threadId, value)
    return bytes && ([value.channel, await serde.loadsTyped(value.type, bytes)] as const)
  })
  if (channels.includes(undefined)) {
    if ((await context.objects.head(checkpointKey(base))) === undefined) return undefined
    const message = `The checkpoint ${checkpointId} names a value that is not there.`
    throw new CheckpointError("CKPT_CORRUPT", message, { key: checkpointKey(base) })
  }
  const checkpoint = (await serde.loadsTyped(...stored.checkpoint)) as Checkpoint
  // Makes properties of its own, also of a channel named "__proto__".
  checkpoint.channel_values = Object.fromEntries(channels as [string, unknown][])
  if (checkpoint.v < 4 && parentId !== undefined) await migratePendingSends(context, stored, checkpoint)
  const tuple: CheckpointTuple = {
    config: configOf(stored, checkpointId),
    checkpoint,
    metadata: await metadataOf(context, stored),
    pendingWrites: await revive(context, writes),
  }
  if (parentId !== undefined) tuple.parentConfig = configOf(stored, parentId)
  return tuple
}

function configOf({ threadId, checkpointNs }: Place, checkpointId: string): Config {
  return { configurable: { thread_id: threadId, checkpoint_ns: checkpointNs, checkpoint_id: checkpointId } }
}

export async function bytesOf(
  { objects, known }: Context,
  threadId: string,
  value: StoredValue,
): Promise<Uint8Array | undefined> {
  if ("bytes" in value) return value.bytes
  const key = valueKey(threadId, value.day, value.hash)
  const found = await objects.read(key)
  if (found !== undefined) known.add(key)
  return found?.bytes
}

/** Before version 4, what a step sends to the next lay with the writes of the parent. */
async function migratePendingSends(context: Context, stored: StoredCheckpoint, checkpoint: Checkpoint): Promise<void> {
  const parent = folderOf(stored) + descending(stored.parentId as string)
  const sends = (await writesOf(context, parent)).filter(({ channel }) => channel === TASKS)
  checkpoint.channel_values[TASKS] = (await revive(context, sends)).map(([, , value]) => value)
  const versions = Object.values(checkpoint.channel_versions)
  checkpoint.channel_versions[TASKS] = versions.length > 0 ? maxChannelVersion(...versions) : 1
}

/**
 * As {@link tupleOf}, of a checkpoint of which the listing has shown the writes. The checkpoint is read after the listing, and is removed
 * before its writes: so these are all.
 */
export async function loadListed(context: Context, { base, writes }: Listed): Promise<CheckpointTuple | undefined> {
  const [stored, pending] = await together([readStored(context, base), pendingWrites(context, writes)])
  return stored && pending && tupleOf(context, base, stored, pending)
}
