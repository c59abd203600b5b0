import { CheckpointError } from "@ckpt/core"
import { mapConcurrently } from "@ckpt/core/adapter"
import { type Checkpoint, type CheckpointMetadata, copyCheckpoint } from "@langchain/langgraph-checkpoint"
import type { Context } from "./context.js"
import { decodeCheckpoint, encodeCheckpoint, type StoredCheckpoint, type StoredValue, type Typed } from "./format.js"
import { checkpointKey, descending, folderOf, type Place, sha256, valueKey } from "./keys.js"

export const dayMs = 24 * 60 * 60 * 1000

/**
 * How old a value is before it is removed, if no checkpoint names it. A checkpoint names values of the day on which its `put` began, or of
 * the next: so no checkpoint that is still to come names one that is removed, even if the clocks of two machines are a day apart.
 */
export const patienceMs = 3 * dayMs

/** The day that new values lie under, in UTC. */
export function today({ now }: Context): number {
  return Math.floor(now() / dayMs)
}

/** A checkpoint that is about to be stored. */
export interface GivenCheckpoint extends Place {
  readonly parentId: string | undefined
  readonly checkpoint: Checkpoint
  readonly metadata: CheckpointMetadata
  /** The channels whose values are this checkpoint's own. */
  readonly newVersions: Readonly<Record<string, unknown>>
}

/**
 * Stores a checkpoint: its values, and then its object, which names them. So what is found is whole, whenever its writer dies.
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
      .map(async ([channel, value]) => ({ channel, typed: await serde.dumpsTyped(value) })),
  ])
  const stored = await storeValues(context, threadId, values)
  const place = { threadId, checkpointNs, checkpointId: given.checkpoint.id, parentId }
  await storeCheckpoint(context, "put", {
    ...place,
    checkpoint: checkpoint as Typed,
    metadata: metadata as Typed,
    values: stored,
  })
}

/** Stores the large values. If that takes days, again: a checkpoint must not name values of days that are long over. */
async function storeValues(
  context: Context,
  threadId: string,
  values: readonly { readonly channel: string; readonly typed: Typed }[],
): Promise<StoredValue[]> {
  for (;;) {
    const day = today(context)
    const stored = await mapConcurrently(values, async ({ channel, typed: [type, bytes] }): Promise<StoredValue> => {
      if (bytes.length <= context.inlineBytes) return { channel, type, bytes }
      const hash = sha256(bytes)
      await storeValue(context, valueKey(threadId, day, hash), bytes)
      return { channel, type, hash, day }
    })
    if (today(context) <= day + 1) return stored
  }
}

/** Stores the object of a checkpoint whose values and writes are there. */
export async function storeCheckpoint(context: Context, call: string, stored: StoredCheckpoint): Promise<void> {
  const { objects } = context
  const { threadId, checkpointId } = stored
  const key = checkpointKey(folderOf(stored) + descending(checkpointId))
  try {
    await objects.create(key, encodeCheckpoint(stored))
  } catch (cause) {
    if (!(cause instanceof CheckpointError) || cause.code !== "CKPT_CONFLICT") throw cause
    const there = await objects.read(key)
    // It was removed meanwhile.
    if (there === undefined) return storeCheckpoint(context, call, stored)
    // The same call, made again on another day, names its values by that day.
    if (isSame(decodeCheckpoint(key, there.bytes), stored)) return
    const message = `${call}: thread ${JSON.stringify(threadId)} has another checkpoint ${checkpointId}, which stays as it is. Another process has written it. Read the thread again.`
    throw new CheckpointError("CKPT_CONFLICT", message, { key, cause })
  }
}

function isSame(a: StoredCheckpoint, b: StoredCheckpoint): boolean {
  const [left, right] = [a, b].map(({ values, ...rest }) => {
    const ofNoDay = values.map((value) => ("bytes" in value ? value : { ...value, day: 0 }))
    return encodeCheckpoint({ ...rest, values: ofNoDay })
  })
  return Buffer.compare(left as Uint8Array, right as Uint8Array) === 0
}

/**
 * Whether a checkpoint has a value of its own for a channel. The first of a thread has those that it sets, as `newVersions` names them. Any
 * other goes on from its parent, and a fork from its original: of these the given values are all.
 */
function isSet({ newVersions, parentId, metadata }: GivenCheckpoint, channel: string): boolean {
  return Object.hasOwn(newVersions, channel) || parentId !== undefined || metadata.source === "fork"
}

/** Stores a value that others may have stored already. Damaged bytes are replaced. */
export async function storeValue({ objects, known }: Context, key: string, bytes: Uint8Array): Promise<void> {
  // Another saver may have deleted the thread since. So a known value is looked for, which costs less than its bytes.
  if (known.has(key) && (await objects.head(key)) !== undefined) return
  try {
    await objects.create(key, bytes)
  } catch (error) {
    if (!(error instanceof CheckpointError) || error.code !== "CKPT_CORRUPT") throw error
    const damaged = await objects.head(key)
    if (damaged === undefined) await objects.create(key, bytes)
    else await objects.replace(key, bytes, { version: damaged.version })
  }
  known.add(key)
}
