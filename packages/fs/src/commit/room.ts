import type { BigIntStats } from "node:fs"
import { together } from "@ckpt/core/adapter"
import type { Access } from "../claim/fence.js"
import { refuseDoubtful } from "../files/doubts.js"
import { lookUp } from "../files/file-info.js"
import { at } from "../files/paths.js"
import { assertFolder } from "../files/root.js"
import type { Plan } from "./plan.js"

/**
 * Finds the root, and looks at the place of the batch. The claims are looked at too, so that a writer that may not write hears of it
 * before it has written a large state; but only the look right before the moves decides.
 */
export async function findRoom(
  access: Access,
  plan: Plan,
): Promise<{ found: string | undefined; room: Room | undefined }> {
  const { root, fence } = access
  const lookIn = (real: string) => together([roomFor(access, real, plan), fence.check(real, plan.base)])
  // The root is nearly always where it was last. So that place is looked at while the root is resolved.
  const last = root.last
  const early = last === undefined ? undefined : lookIn(last)
  const [resolved] = await Promise.allSettled([root.resolve(), early])
  if (resolved.status === "rejected") throw resolved.reason
  const found = resolved.value
  if (found === undefined) {
    await fence.check(found, plan.base)
    return { found, room: undefined }
  }
  const [room] = await (found === last && early !== undefined ? early : lookIn(found))
  return { found, room }
}

interface Room {
  readonly isFree: boolean
  /** The folder that the batch goes into, if it exists and its entry is durable. */
  readonly base: string | undefined
  /** The description of the current pointer. */
  readonly pointer: BigIntStats | undefined
}

/**
 * Looks at every name that the batch needs, at once. There is no room if the directory's name is taken, or if something else than
 * a file is in the pointer's place: it is not ours, so no rename replaces it. Core then writes object by object; only the pointer
 * fails, and the checkpoint is saved.
 */
async function roomFor({ root, directories }: Access, real: string, plan: Plan): Promise<Room> {
  const folders = plan.base.map((_, depth) => plan.base.slice(0, depth + 1).reduce(at, real))
  const base = folders.at(-1) ?? real
  const target = at(base, plan.directory)
  const [there, pointer, ...infos] = await together([
    lookUp(root.files, target),
    plan.pointer === undefined ? undefined : lookUp(root.files, at(base, plan.pointer)),
    ...folders.map((path) => lookUp(root.files, path)),
  ])
  root.watch(plan.base[0] ?? "", infos[0])
  for (const [depth, path] of folders.entries()) {
    const info = infos[depth]
    if (info !== undefined) assertFolder(path, info, depth)
  }
  refuseDoubtful(target)
  const isDurable = folders.every((path, depth) => {
    const info = infos[depth]
    return info !== undefined && directories.isDurable(path, info)
  })
  const isFree = there === undefined && pointer?.isFile() !== false
  return { isFree, base: isDurable ? base : undefined, pointer }
}
