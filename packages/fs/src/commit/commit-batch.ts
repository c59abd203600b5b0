import type { BigIntStats } from "node:fs"
import { dirname } from "node:path"
import type { CommitBatch, ObjectMeta } from "@ckpt/core"
import { together } from "@ckpt/core/adapter"
import type { Access } from "../claim/fence.js"
import type { Directories } from "../files/directories.js"
import { refuseDoubtful } from "../files/doubts.js"
import { hasErrno, runCallerCode, throwIfAborted } from "../files/errors.js"
import { metaOf } from "../files/file-info.js"
import { at } from "../files/paths.js"
import { type Move, publish } from "../files/publish.js"
import type { Root } from "../files/root.js"
import { asWriter, rootState } from "../files/root-lock.js"
import { takeBody } from "../files/write-body.js"
import type { KnownPointers } from "./known-pointers.js"
import { type Plan, planOf } from "./plan.js"
import { PointerMove } from "./pointer-move.js"
import { findRoom } from "./room.js"
import { Stage } from "./stage.js"

/**
 * Commits a batch in two sync phases: first all data at once, then the names. Answers "unsupported", and leaves everything as it
 * was, if one rename cannot do it: the batch has another shape, or its directory's name is taken.
 */
export async function commitBatch(
  access: CommitAccess,
  batch: CommitBatch,
  signal: AbortSignal | undefined,
): Promise<ObjectMeta[] | "unsupported"> {
  const plan = planOf(batch)
  throwIfAborted(signal)
  if (plan === undefined) return "unsupported"
  const { root, directories } = access
  // The folder is nearly always where it was last. So the stage is made there while the place is looked at: its names are temporary.
  const last = root.last
  if (last !== undefined && directories.isKnown(plan.base.reduce(at, last))) {
    const done = await asWriter(rootState(last), signal, () => commitThere(access, batch, plan, last, signal))
    if (done !== undefined) return done
  }
  const { found, room } = await findRoom(access, plan)
  if (room?.isFree === false) return "unsupported"
  const base = room?.base ?? (await directories.ensure(plan.base, found))
  const real = plan.base.reduce((path) => dirname(path), base)
  return asWriter(rootState(real), signal, async () => {
    const stage = await openStage(root, directories, base, plan)
    return commitStaged(access, batch, plan, { real, base, stage, pointer: room?.pointer }, signal)
  })
}

type CommitAccess = Access & { readonly pointers: KnownPointers }

/** `undefined`: the place is another than it was last, or the stage could not be made there; nothing was done. */
async function commitThere(
  access: CommitAccess,
  batch: CommitBatch,
  plan: Plan,
  real: string,
  signal: AbortSignal | undefined,
): Promise<ObjectMeta[] | "unsupported" | undefined> {
  const base = plan.base.reduce(at, real)
  const opening = Stage.open(access.root.files, base, plan.names, plan.pointer !== undefined)
  const [opened, looked] = await Promise.allSettled([opening, findRoom(access, plan)])
  const stage = opened.status === "fulfilled" ? opened.value : undefined
  if (looked.status === "fulfilled" && stage !== undefined) {
    const { found, room } = looked.value
    if (found === real && room?.isFree === true && room.base === base)
      return commitStaged(access, batch, plan, { real, base, stage, pointer: room.pointer }, signal)
  }
  await stage?.discard()
  await stage?.closeBase()
  if (looked.status === "rejected") throw looked.reason
  return looked.value.room?.isFree === false ? "unsupported" : undefined
}

/** Where a batch goes, and what was made there. */
interface Staged {
  /** The real path of the root. */
  readonly real: string
  /** The folder that the batch goes into. */
  readonly base: string
  readonly stage: Stage
  /** The description of the current pointer, from a look just before. */
  readonly pointer: BigIntStats | undefined
}

/** Fills the stage and moves it to its place. On a failure before the moves it removes the stage. */
async function commitStaged(
  { root, directories, pointers, fence }: CommitAccess,
  batch: CommitBatch,
  plan: Plan,
  { real, base, stage, pointer: seen }: Staged,
  signal: AbortSignal | undefined,
): Promise<ObjectMeta[]> {
  const target = at(base, plan.directory)
  const path = plan.pointer === undefined ? undefined : at(base, plan.pointer)
  const pointer = new PointerMove(root.files, pointers, stage, batch, path)
  const written: Promise<void>[] = []
  let pointed: Promise<void> | undefined
  try {
    refuseDoubtful(target)
    // On a failure, this and the writes below have ended before the stage is discarded.
    pointed = pointer.stage(seen)
    pointed.catch(() => undefined)
    for (const [index, { body }] of batch.create.entries()) {
      const file = stage.files[index]
      if (file === undefined) throw new Error("every object has its file")
      // The next body may depend on the bytes of this body. So this body is read to its end first, but its write may
      // go on.
      const taken = await takeBody(file.handle, typeof body === "function" ? runCallerCode(body) : body, signal)
      written.push(taken.written)
    }
    await together([pointed, ...written])
    throwIfAborted(signal)
    // Beside the sync: a crash that loses the versions also ends the process that remembers them.
    const stamped = stage.files.map((file) => file.stamp())
    const [, info, , ...infos] = await together([stage.sync(), stage.info(), pointer.describe(), ...stamped])
    const metas = batch.create.map(({ key }, index) => metaOf(key, infos[index] as BigIntStats))
    await publish({
      files: root.files,
      state: rootState(real),
      target,
      directory: stage.base,
      prepare: async (): Promise<Move[]> => {
        throwIfAborted(signal)
        const [moved] = await together([pointer.settle(), fence.check(real, plan.base), stage.closeToMove()])
        throwIfAborted(signal)
        // Last: a file that is moved must exist before the look, so a new pointer needs another look.
        if (moved.isNew) await fence.check(real, plan.base)
        return [{ how: "place", from: stage.path, to: target }, ...moved.moves]
      },
      release: () => stage.close(),
      meanwhile: () => stage.close(),
    })
    if (info !== undefined) directories.remember(target, info)
    pointer.remember()
    await stage.closeBase()
    return metas
  } catch (error) {
    await Promise.allSettled([pointed, ...written])
    await stage.discard()
    await stage.closeBase()
    throw error
  }
}

async function openStage(root: Root, directories: Directories, base: string, plan: Plan): Promise<Stage> {
  const withPointer = plan.pointer !== undefined
  try {
    return await Stage.open(root.files, base, plan.names, withPointer)
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error
    // The folder was removed by hand. One more try; then it is a failure.
    return Stage.open(root.files, await directories.ensure(plan.base), plan.names, withPointer)
  }
}
