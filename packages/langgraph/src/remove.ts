import type { Objects } from "@ckpt/core"
import type { Context } from "./context.js"
import { checkpointKey, checkpointsOf, dayOf, piecesOf } from "./keys.js"
import { type Listed, listed } from "./names.js"

/** A checkpoint goes before what it names, so that none is found whose pieces are gone. */
export async function deleteThread({ objects }: Context, threadId: string): Promise<void> {
  await removeCheckpoints(objects, checkpointsOf(threadId))
  const pieces = await objects.list({ prefix: piecesOf(threadId) })
  // A run beside this may have stored checkpoints since, which name these pieces.
  await removeCheckpoints(objects, checkpointsOf(threadId))
  await objects.remove(pieces.map(({ key }) => key).filter((key) => !Number.isNaN(dayOf(key))))
}

/**
 * Removes the checkpoints of one thread, and then their writes.
 *
 * @param mayGo asked about all that is there before something is removed, and again before the latest checkpoints are: the rest stays if it
 *   gives false
 * @returns whether all of them are gone
 */
export async function removeCheckpoints(
  objects: Objects,
  prefix: string,
  mayGo?: (all: readonly Listed[]) => Promise<boolean>,
): Promise<boolean> {
  const look = async () => {
    const all: Listed[] = []
    for await (const one of listed(objects, prefix)) all.push(one)
    return all
  }
  const all = await look()
  if (mayGo !== undefined && !(await mayGo(all))) return false
  const there = all.filter(({ isThere }) => isThere)
  // What a dead process leaves has its latest checkpoint still: nobody goes on from an older one.
  const latest = new Map<string, string>()
  for (const { base } of there) {
    const folder = base.slice(0, base.lastIndexOf("/"))
    if (!latest.has(folder)) latest.set(folder, checkpointKey(base))
  }
  const last = new Set(latest.values())
  const others = there.map(({ base }) => checkpointKey(base)).filter((key) => !last.has(key))
  await objects.remove(others)
  // They may have taken their time.
  if (mayGo !== undefined && others.length > 0 && !(await mayGo(await look()))) return false
  await objects.remove([...last])
  await objects.remove(all.flatMap(({ writes }) => writes))
  return true
}
