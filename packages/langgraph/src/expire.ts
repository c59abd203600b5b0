import { CheckpointError } from "@ckpt/core"
import { checkOptions, isDue, mapConcurrently, type ShapeOf, wholeNumber } from "@ckpt/core/adapter"
import type { Context } from "./context.js"
import { isDamage } from "./damaged.js"
import { allCheckpoints, allPieces, dayOf, textOf } from "./keys.js"
import { readStored } from "./load.js"
import { type Listed, names } from "./names.js"
import { removeCheckpoints } from "./remove.js"
import { firstYoungDay, storageTime } from "./time.js"

/** Which threads go. */
export interface ExpireThreadsOptions {
  /** Those to which nothing was written for so many milliseconds, by the storage's clock: 1 or more. */
  idleMs: number
}

const expireShape: ShapeOf<ExpireThreadsOptions> = {
  fields: { idleMs: wholeNumber(1, Number.MAX_SAFE_INTEGER, "whole milliseconds") },
  example: "{ idleMs: 30 * 24 * 60 * 60 * 1000 }, for 30 days",
}

/** @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used */
export function checkExpiry(options: ExpireThreadsOptions | undefined): void {
  checkOptions("expireThreads", options, expireShape)
  if (options?.idleMs !== undefined) return
  throw new CheckpointError("CKPT_INVALID", `expireThreads: idleMs is missing; give ${expireShape.example}.`)
}

/** @returns the ids of the threads whose checkpoints were removed */
export async function expireThreads(context: Context, { idleMs }: ExpireThreadsOptions): Promise<string[]> {
  const { objects } = context
  const now = await storageTime(context, "")
  const isIdle = (written: Date) => isDue(now - written.getTime(), idleMs)
  /** When something was last written to a thread, by the thread's name. */
  const written = new Map<string, Date>()
  for (const prefix of [allPieces, allCheckpoints]) {
    for await (const { key, lastModified } of names(objects, prefix)) {
      const [, thread = ""] = key.split("/")
      const before = written.get(thread)
      if (before === undefined || before < lastModified) written.set(thread, lastModified)
    }
  }
  const idle = [...written].filter(([, time]) => isIdle(time)).map(([thread]) => thread)
  const firstDay = firstYoungDay(now)
  const ids = await mapConcurrently(idle, async (thread) => {
    let id: string | undefined
    const areGone = await removeCheckpoints(objects, `${allCheckpoints}${thread}/`, async (all) => {
      if (!all.every(({ modified }) => isIdle(modified))) return false
      id ??= await threadIdOf(context, thread, all)
      return true
    })
    if (!areGone) return undefined
    // A checkpoint that comes all the same names no piece of an earlier day: as beside a prune.
    const pieces = (await objects.list({ prefix: `${allPieces}${thread}/` })).map(({ key }) => key)
    await objects.remove(pieces.filter((key) => dayOf(key) < firstDay))
    return id
  })
  return ids.filter((id) => id !== undefined)
}

/** The id of a thread that has a checkpoint. A long one is in its objects alone: `undefined` if none of them verifies. */
async function threadIdOf(context: Context, thread: string, all: readonly Listed[]): Promise<string | undefined> {
  const there = all.filter(({ isThere }) => isThere)
  if (there.length === 0) return undefined
  const text = textOf(thread)
  if (text !== undefined) return text
  for (const { base } of there) {
    try {
      const found = await readStored(context, base)
      if (found !== undefined) return found.stored.threadId
    } catch (error) {
      if (!isDamage(error)) throw error
    }
  }
  return undefined
}
