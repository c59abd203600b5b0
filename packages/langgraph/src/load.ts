import { CheckpointError } from "@ckpt/core"
import { together } from "@ckpt/core/adapter"
import {
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
  maxChannelVersion,
  TASKS,
} from "@langchain/langgraph-checkpoint"
import type { Config, Context } from "./context.js"
import { decodeCheckpoint, type StoredCheckpoint } from "./format.js"
import { baseOf, checkpointKey, type Place, writesPrefix } from "./keys.js"
import type { Listed } from "./names.js"
import { readValues, remember } from "./pieces.js"
import { pendingWrites, revive, type StoredPending } from "./writes.js"

/** A checkpoint's object, as it was read. */
export interface Found {
  readonly stored: StoredCheckpoint
  readonly version: string
}

/** The checkpoint's object, verified; `undefined` if it is absent. */
export async function readStored({ objects }: Context, base: string): Promise<Found | undefined> {
  const key = checkpointKey(base)
  const found = await objects.read(key)
  return found && { stored: decodeCheckpoint(key, found.bytes), version: found.version }
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
 * @param atHand as in {@link readValues}
 * @throws {CheckpointError} `CKPT_CORRUPT` if a piece of a value does not verify or is gone
 */
export async function tupleOf(
  context: Context,
  base: string,
  { stored, version }: Found,
  writes: readonly StoredPending[],
  atHand = new Map<string, Uint8Array>(),
): Promise<CheckpointTuple | undefined> {
  const { serde } = context
  const { checkpointId, parentId } = stored
  const values = await readValues(context, stored, atHand)
  if (values === undefined) {
    if ((await context.objects.head(checkpointKey(base))) === undefined) return undefined
    const message = `The checkpoint ${checkpointId} names a piece of a value that is not there.`
    throw new CheckpointError("CKPT_CORRUPT", message, { key: checkpointKey(base) })
  }
  remember(context, stored, version)
  const channels = await Promise.all(
    stored.values.map(async ({ channel, type }, at): Promise<[string, unknown]> => {
      return [channel, await serde.loadsTyped(type, values[at] as Uint8Array)]
    }),
  )
  const checkpoint = (await serde.loadsTyped(...stored.checkpoint)) as Checkpoint
  // Makes properties of its own, also of a channel named "__proto__".
  checkpoint.channel_values = Object.fromEntries(channels)
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

/** Before version 4, what a step sends to the next lay with the writes of the parent. */
async function migratePendingSends(context: Context, stored: StoredCheckpoint, checkpoint: Checkpoint): Promise<void> {
  const parent = baseOf(stored, stored.parentId as string)
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
  const [found, pending] = await together([readStored(context, base), pendingWrites(context, writes)])
  return found && pending && tupleOf(context, base, found, pending)
}
