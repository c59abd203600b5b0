import type { BigIntStats } from "node:fs"
import type { Access } from "../claim/fence.js"
import { refuseDoubtful } from "../files/doubts.js"
import { lookUp } from "../files/file-info.js"
import { at } from "../files/paths.js"
import { linked } from "../files/root.js"
import { together } from "../files/together.js"
import type { Plan } from "./plan.js"

/**
 * Where the root is, and what is in it. Whether the writer may write is asked so that nothing is created by who may not;
 * what decides is the look right before the moves.
 */
export async function findRoom(
  access: Access,
  plan: Plan,
): Promise<{ found: string | undefined; room: Room | undefined }> {
  const { root, fence } = access
  const lookIn = (real: string) => together([roomFor(access, real, plan), fence.check(real, plan.base)])
  // The root is where it was, nearly always: looked at while that is asked.
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
  /** The folder of the batch, where it is there and its entry is durable. */
  readonly base: string | undefined
  /** What is in the pointer's place. */
  readonly pointer: BigIntStats | undefined
}

/**
 * What is where the batch is to go, all seen in one look. Not free: a name that is taken, and a directory in the pointer's
 * place, which no rename replaces: one object after the other, the pointer alone fails, and the checkpoint is saved.
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
  for (const [depth, path] of folders.entries()) if (infos[depth]?.isSymbolicLink()) throw linked(path, depth)
  refuseDoubtful(target)
  const isDurable = folders.every((path, depth) => {
    const info = infos[depth]
    return info !== undefined && directories.isDurable(path, info)
  })
  const isFree = there === undefined && pointer?.isDirectory() !== true
  return { isFree, base: isDurable ? base : undefined, pointer }
}
