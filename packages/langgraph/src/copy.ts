import { CheckpointError } from "@ckpt/core"
import { byUtf8, mapConcurrently } from "@ckpt/core/adapter"
import type { Context } from "./context.js"
import { isDamage, tellDamaged } from "./damaged.js"
import { decodeWrites, encodeWrites, type StoredCheckpoint } from "./format.js"
import { baseOf, checkpointKey, checkpointsOf, numberOf, pieceKey, writesKey } from "./keys.js"
import { readStored } from "./load.js"
import { type Listed, listed } from "./names.js"
import { readPiece, storePieces } from "./pieces.js"
import { storeCheckpoint } from "./put.js"

/**
 * Copies a thread, its oldest checkpoint first, and of each checkpoint what it names first: a copy that breaks off is the beginning of the
 * thread.
 *
 * @returns how many checkpoints the copy has
 */
export async function copyThread(context: Context, from: string, to: string): Promise<number> {
  const all: Listed[] = []
  for await (const one of listed(context.objects, checkpointsOf(from))) if (one.isThere) all.push(one)
  let copied = 0
  for (const one of all.sort((a, b) => byUtf8(a.checkpointId, b.checkpointId))) {
    try {
      const found = await readStored(context, one.base)
      if (found === undefined) continue
      await copyCheckpoint(context, found.stored, one, to)
      copied++
    } catch (error) {
      if (!isDamage(error)) throw error
      // It was removed meanwhile, before what it names and what was written on top of it.
      if ((await context.objects.head(checkpointKey(one.base))) === undefined) continue
      tellDamaged(context, one, from, error)
    }
  }
  return copied
}

async function copyCheckpoint(context: Context, stored: StoredCheckpoint, one: Listed, threadId: string) {
  const { objects } = context
  const pieces = stored.values.flatMap((value) => value.pieces)
  const day = await storePieces(context, threadId, pieces, async (hash) => {
    const bytes = await readPiece(context, pieceKey(stored.threadId, stored.day, hash))
    if (bytes === undefined) throw lacking(one, "a piece of a value")
    return bytes
  })
  const base = baseOf({ ...stored, threadId }, stored.checkpointId)
  await mapConcurrently(one.writes, async (key) => {
    const found = await objects.read(key)
    if (found === undefined) throw lacking(one, "writes")
    const writes = { ...decodeWrites(key, found.bytes), threadId }
    await objects.create(writesKey(base, writes.taskId, numberOf(key)), encodeWrites(writes))
  })
  await storeCheckpoint(context, "copyThread", { ...stored, threadId, day })
}

function lacking({ base }: Listed, what: string): CheckpointError {
  const key = checkpointKey(base)
  return new CheckpointError("CKPT_CORRUPT", `${key} has ${what} that cannot be found.`, { key })
}
