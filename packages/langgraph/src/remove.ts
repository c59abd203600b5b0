import type { Context } from "./context.js"
import { checkpointKey, checkpointsOf, piecesOf } from "./keys.js"
import { type Listed, listed } from "./names.js"

/** A checkpoint goes before what it names, so that none is found whose pieces are gone. */
export async function deleteThread(context: Context, threadId: string): Promise<void> {
  const { objects } = context
  const all: Listed[] = []
  for await (const one of listed(objects, checkpointsOf(threadId))) all.push(one)
  const there = all.filter(({ isThere }) => isThere)
  // What a dead process leaves has its latest checkpoint still: nobody goes on from an older one.
  const latest = new Map<string, string>()
  for (const { base } of there) {
    const folder = base.slice(0, base.lastIndexOf("/"))
    if (!latest.has(folder)) latest.set(folder, checkpointKey(base))
  }
  const last = new Set(latest.values())
  const keys = there.map(({ base }) => checkpointKey(base))
  await objects.remove(keys.filter((key) => !last.has(key)))
  await objects.remove([...last])
  await objects.remove(all.flatMap(({ writes }) => writes))
  const pieces = await objects.list({ prefix: piecesOf(threadId) })
  await objects.remove(pieces.map(({ key }) => key))
}
