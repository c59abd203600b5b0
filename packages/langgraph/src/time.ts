// The clocks of the savers name the days under which pieces lie. The clock of the storage says how old things are.
import { randomUUID } from "node:crypto"
import type { Context } from "./context.js"
import { pieceKey } from "./keys.js"

const dayMs = 24 * 60 * 60 * 1000

/**
 * How old a piece is before it is removed, if no checkpoint names it. A checkpoint names pieces of the day on which its `put` began, or of
 * the next: so no checkpoint that is still to come names one that is removed, even if the clocks of two machines are a day apart.
 */
export const patienceMs = 3 * dayMs

/** The day that new pieces lie under, in UTC. */
export function today({ now }: Context): number {
  return Math.floor(now() / dayMs)
}

/** The first day of which no piece is removed. */
export function firstYoungDay(now: number): number {
  return Math.floor((now - patienceMs) / dayMs)
}

/** The time of the storage: that of an object that is stored now. What a dead process leaves goes as a piece that nobody names. */
export async function storageTime(context: Context, threadId: string): Promise<number> {
  const { objects } = context
  const key = pieceKey(threadId, today(context), `now-${randomUUID()}`)
  const { lastModified } = await objects.create(key, new Uint8Array())
  await objects.remove(key)
  return lastModified.getTime()
}
