import { CheckpointError } from "@ckpt/core"
import { byUtf8, mapConcurrently } from "@ckpt/core/adapter"
import { type CheckpointPendingWrite, type PendingWrite, WRITES_IDX_MAP } from "@langchain/langgraph-checkpoint"
import type { Context } from "./context.js"
import { asItIs, decodeWrites, encodeWrites, type StoredWrite, type StoredWrites } from "./format.js"
import { baseOf, numberOf, type Place, taskPrefix, writesKey } from "./keys.js"

/** Writes of one task, which are about to be stored. */
export interface GivenWrites extends Place {
  readonly checkpointId: string
  readonly taskId: string
  readonly taskPath: string
  readonly writes: readonly PendingWrite[]
}

/**
 * Stores writes of a task. A write that is there stays, but for special ones, such as interrupts, of which the last one holds: as the base
 * class defines it. Nothing is overwritten: what a task writes later lies in an object of its own, so that it holds among all processes.
 */
export async function putWrites(context: Context, given: GivenWrites): Promise<void> {
  const { writes, ...rest } = given
  const stored = await Promise.all(
    writes.map(async ([channel, value], index): Promise<StoredWrite> => {
      const [type, bytes] = await context.serde.dumpsTyped(asItIs(value))
      const special = Object.hasOwn(WRITES_IDX_MAP, channel) ? WRITES_IDX_MAP[channel] : undefined
      return { index: special ?? index, channel, value: [type, bytes] }
    }),
  )
  const wanted = [...lastOfSpecials(stored)]
  const base = baseOf(given, given.checkpointId)
  let missing = wanted
  for (let number = 0; ; number++) {
    const bytes = encodeWrites({ ...rest, writes: missing })
    try {
      const { outcome } = await context.objects.create(writesKey(base, given.taskId, number), bytes)
      if (outcome === "created") return
    } catch (error) {
      if (!(error instanceof CheckpointError) || error.code !== "CKPT_CONFLICT") throw error
    }
    // The task has written before.
    const there = await context.objects.list({ prefix: taskPrefix(base, given.taskId) })
    const keys = there.map(({ key }) => key)
    // What was removed meanwhile belongs to a checkpoint that is removed.
    const read = (await readWrites(context, keys)).filter((one) => one !== undefined)
    missing = changesTo(merged(read), wanted)
    if (missing.length === 0) {
      if (await context.objects.isDurable(keys)) return
      const message = `putWrites: the writes of task ${given.taskId} are there, and an earlier sync failed, so a crash may still undo them.`
      const advice = "Check the disk, then restart the process and call putWrites again."
      throw new CheckpointError("CKPT_UNKNOWN_OUTCOME", `${message} ${advice}`, { key: keys.at(-1) })
    }
    // Behind the last: the storage may have lost one before it.
    number = keys.length === 0 ? -1 : numberOf(keys.at(-1) as string)
  }
}

/** Of several special writes of one kind the last one holds. */
function lastOfSpecials(writes: readonly StoredWrite[]): Iterable<StoredWrite> {
  const byIndex = new Map<number, StoredWrite>()
  for (const write of writes) byIndex.set(write.index, write)
  return byIndex.values()
}

function changesTo(there: ReadonlyMap<number, Merged>, wanted: readonly StoredWrite[]): StoredWrite[] {
  return wanted.filter((write) => {
    const found = there.get(write.index)
    if (found === undefined) return true
    return write.index < 0 && !isSame(found.write, write)
  })
}

function isSame(a: StoredWrite, b: StoredWrite): boolean {
  return a.channel === b.channel && a.value[0] === b.value[0] && Buffer.compare(a.value[1], b.value[1]) === 0
}

/** A write that holds, with what it is sorted by. */
interface Merged {
  readonly taskId: string
  readonly taskPath: string
  readonly write: StoredWrite
}

/** The writes of one task that hold, of objects in the order of their numbers. */
function merged(objects: readonly StoredWrites[]): Map<number, Merged> {
  const holding = new Map<number, Merged>()
  for (const { taskId, taskPath, writes } of objects) {
    // What is there twice is special: of others an object has those alone that the objects before it lack.
    for (const write of writes) holding.set(write.index, { taskId, taskPath, write })
  }
  return holding
}

function readWrites({ objects }: Context, keys: readonly string[]): Promise<(StoredWrites | undefined)[]> {
  return mapConcurrently(keys, async (key) => {
    const found = await objects.read(key)
    return found && decodeWrites(key, found.bytes)
  })
}

/**
 * The writes of a checkpoint that hold, in the order in which they are applied: by path, task and index; `undefined` if some were removed
 * meanwhile, as their checkpoint was before them.
 */
export async function pendingWrites(context: Context, keys: readonly string[]): Promise<StoredPending[] | undefined> {
  const byTask = new Map<string, StoredWrites[]>()
  for (const stored of await readWrites(context, keys)) {
    if (stored === undefined) return undefined
    const sameTask = byTask.get(stored.taskId)
    if (sameTask === undefined) byTask.set(stored.taskId, [stored])
    else sameTask.push(stored)
  }
  const all = [...byTask.values()].flatMap((objects) => [...merged(objects).values()])
  all.sort((a, b) => byUtf8(a.taskPath, b.taskPath) || byUtf8(a.taskId, b.taskId) || a.write.index - b.write.index)
  return all.map(({ taskId, write }) => ({ taskId, channel: write.channel, value: write.value }))
}

/** A write that holds, as it is stored. */
export interface StoredPending {
  readonly taskId: string
  readonly channel: string
  readonly value: StoredWrite["value"]
}

export function revive(context: Context, writes: readonly StoredPending[]): Promise<CheckpointPendingWrite[]> {
  return Promise.all(
    writes.map(
      async ({ taskId, channel, value: [type, bytes] }): Promise<CheckpointPendingWrite> => [
        taskId,
        channel,
        await context.serde.loadsTyped(type, bytes),
      ],
    ),
  )
}
