import { CheckpointError } from "@ckpt/core"
import { type Checkpoint, type CheckpointMetadata, copyCheckpoint } from "@langchain/langgraph-checkpoint"
import type { Context } from "./context.js"
import { asItIs, decodeCheckpoint, encodeCheckpoint, type StoredCheckpoint, type Typed } from "./format.js"
import { baseOf, checkpointKey, type Place } from "./keys.js"
import { cutValue, remember, storePieces } from "./pieces.js"

/** A checkpoint that is about to be stored. */
export interface GivenCheckpoint extends Place {
  readonly parentId: string | undefined
  readonly checkpoint: Checkpoint
  readonly metadata: CheckpointMetadata
  /** The channels whose values are this checkpoint's own. */
  readonly newVersions: Readonly<Record<string, unknown>>
}

/**
 * Stores a checkpoint: the pieces of its values, and then its object, which names them. So what is found is whole, whenever its writer
 * dies.
 *
 * @throws {CheckpointError} `CKPT_CONFLICT` if another checkpoint has this id
 */
export async function put(context: Context, given: GivenCheckpoint): Promise<void> {
  const { serde } = context
  const { threadId, checkpointNs, parentId } = given
  const { channel_values: channels, ...rest } = copyCheckpoint(given.checkpoint)
  // All is serialized before anything is awaited: the graph goes on, and may change its values.
  const [checkpoint, metadata, ...values] = await Promise.all([
    serde.dumpsTyped(rest),
    serde.dumpsTyped(given.metadata),
    ...Object.entries(channels)
      .filter(([channel]) => isSet(given, channel))
      .map(async ([channel, value]) => {
        const [type, bytes] = await serde.dumpsTyped(asItIs(value))
        return cutValue(context, channel, type, bytes)
      }),
  ])
  const pieces = new Map(values.flatMap((value) => [...value.pieces]))
  const day = await storePieces(context, threadId, pieces.keys(), (hash) => pieces.get(hash) as Uint8Array)
  await storeCheckpoint(context, "put", {
    threadId,
    checkpointNs,
    checkpointId: rest.id,
    parentId,
    checkpoint: checkpoint as Typed,
    metadata: metadata as Typed,
    day,
    values: values.map(({ value }) => value),
  })
}

/** Stores the object of a checkpoint whose pieces and writes are there. */
export async function storeCheckpoint(context: Context, call: string, stored: StoredCheckpoint): Promise<void> {
  const { objects } = context
  const { threadId, checkpointId } = stored
  const key = checkpointKey(baseOf(stored, checkpointId))
  try {
    const { version } = await objects.create(key, encodeCheckpoint(stored))
    remember(context, stored, version)
  } catch (cause) {
    if (!(cause instanceof CheckpointError) || cause.code !== "CKPT_CONFLICT") throw cause
    const there = await objects.read(key)
    // It was removed meanwhile.
    if (there === undefined) return storeCheckpoint(context, call, stored)
    // The same call, made again on another day, names its pieces by that day.
    if (isSame(decodeCheckpoint(key, there.bytes), stored)) return
    const other = `${call}: thread ${JSON.stringify(threadId)} has another checkpoint ${checkpointId}, which stays as it is.`
    const message = `${other} Another process has written it. Read the thread again.`
    throw new CheckpointError("CKPT_CONFLICT", message, { key, cause })
  }
}

function isSame(a: StoredCheckpoint, b: StoredCheckpoint): boolean {
  return Buffer.compare(encodeCheckpoint({ ...a, day: 0 }), encodeCheckpoint({ ...b, day: 0 })) === 0
}

/**
 * Whether a checkpoint has a value of its own for a channel. The first of a thread has those that it sets, as `newVersions` names them. Any
 * other goes on from its parent, and a fork from its original: of these the given values are all.
 */
function isSet({ newVersions, parentId, metadata }: GivenCheckpoint, channel: string): boolean {
  return Object.hasOwn(newVersions, channel) || parentId !== undefined || metadata.source === "fork"
}
