import type { BigIntStats } from "node:fs"
import { dirname } from "node:path"
import type { CommitBatch, ObjectMeta } from "@ckpt/core"
import type { Access } from "../claim/fence.js"
import type { Directories } from "../files/directories.js"
import { refuseDoubtful } from "../files/directories.js"
import { CallerError, hasErrno, throwIfAborted } from "../files/errors.js"
import type { FileApi } from "../files/file-api.js"
import { lookUp, metaOf, versionOf } from "../files/file-info.js"
import { at, keySegments } from "../files/paths.js"
import type { Move } from "../files/publish.js"
import { publish } from "../files/publish.js"
import type { KnownPointers } from "../files/read-small-file.js"
import type { Root } from "../files/root.js"
import { linked } from "../files/root.js"
import { asWriter, rootState } from "../files/root-lock.js"
import { together } from "../files/together.js"
import { takeBody } from "../files/write-body.js"
import { Stage } from "./stage.js"

/** What one rename can do: new files in one new directory, and the pointer beside it. */
interface Plan {
  readonly base: readonly string[]
  readonly directory: string
  readonly names: readonly string[]
  readonly pointer: string | undefined
}

/**
 * The commit in two sync phases: all data at once, then the names. Answers "unsupported" before
 * anything is touched, for a batch of another shape and where something has the directory's name.
 */
export async function commitBatch(
  access: Access & { readonly pointers: KnownPointers },
  batch: CommitBatch,
  signal: AbortSignal | undefined,
): Promise<ObjectMeta[] | "unsupported"> {
  const { root, directories, pointers, fence } = access
  const plan = planOf(batch)
  throwIfAborted(signal)
  if (plan === undefined) return "unsupported"
  const { found, room } = await look(access, plan)
  if (room?.isFree === false) return "unsupported"
  const base = room?.base ?? (await directories.ensure(plan.base, found))
  const real = plan.base.reduce((path) => dirname(path), base)
  const state = rootState(real)

  return asWriter(state, signal, async () => {
    const target = at(base, plan.directory)
    refuseDoubtful(target)
    const stage = await openStage(root, directories, base, plan)
    const path = plan.pointer === undefined ? undefined : at(base, plan.pointer)
    const pointer = new PointerMove(root.files, pointers, stage, batch, path)
    // Whatever becomes of them, both have ended before anything is taken away.
    const pointed = pointer.stage(room?.pointer)
    pointed.catch(() => undefined)
    const written: Promise<void>[] = []
    try {
      for (const [index, { body }] of batch.create.entries()) {
        const file = stage.files[index]
        if (file === undefined) throw new Error("every object has its file")
        // The next body may depend on what was read from this one, and not on whether it is written.
        const taken = await takeBody(file.handle, typeof body === "function" ? called(body) : body, signal)
        written.push(taken.written)
      }
      await together([pointed, ...written])
      throwIfAborted(signal)
      // Beside the sync: who remembers a version does not survive the crash that loses it.
      const stamped = stage.files.map((file) => file.stamp())
      const [, info, , ...infos] = await together([stage.sync(), stage.info(), pointer.describe(), ...stamped])
      const metas = batch.create.map(({ key }, index) => metaOf(key, infos[index] as BigIntStats))
      await publish({
        files: root.files,
        state,
        target,
        directory: stage.base,
        prepare: async (): Promise<Move[]> => {
          throwIfAborted(signal)
          const [moved] = await together([pointer.settle(), fence.check(real, plan.base), stage.closeToMove()])
          throwIfAborted(signal)
          // Last: what is moved must have been there before this look.
          if (moved.isNew) await fence.check(real, plan.base)
          return [{ how: "place", from: stage.path, to: target }, ...moved.moves]
        },
        meanwhile: () => stage.close(),
      })
      if (info !== undefined) directories.remember(target, info)
      pointer.remember()
      // All is done; nobody needs to wait for this.
      void stage.closeBase()
      return metas
    } catch (error) {
      await Promise.allSettled([pointed, ...written])
      await stage.discard()
      await stage.closeBase()
      throw error
    }
  })
}

/** The new content of the pointer, decided once before the sync, so that it shares it, and again under the lock. */
class PointerMove {
  readonly #files: FileApi
  readonly #pointers: KnownPointers
  readonly #stage: Stage
  readonly #decide: NonNullable<CommitBatch["pointer"]>["decide"] | undefined
  readonly #path: string | undefined
  #staged: Uint8Array | undefined
  #decidedOn: string | undefined
  /** Of the file that was staged first. */
  #version: string | undefined

  constructor(files: FileApi, pointers: KnownPointers, stage: Stage, batch: CommitBatch, path: string | undefined) {
    this.#files = files
    this.#pointers = pointers
    this.#stage = stage
    this.#decide = batch.pointer?.decide.bind(batch.pointer)
    this.#path = path
  }

  /** @param seen what is in the pointer's place, as a look just before showed it */
  async stage(seen: BigIntStats | undefined): Promise<void> {
    const bytes = await this.#decided(seen)
    if (bytes === undefined) await this.#stage.dropPointer()
    else await this.#stage.writePointer(bytes)
    // A copy: the caller may use its buffer again before the lock is ours.
    this.#staged = bytes?.slice()
  }

  /** Of what is staged, once it is written. */
  async describe(): Promise<void> {
    const info = await this.#stage.pointer?.info()
    this.#version = info && versionOf(info)
  }

  /** To be called once the staged pointer is in its place. */
  remember(): void {
    if (this.#path === undefined || this.#version === undefined || this.#staged === undefined) return
    this.#pointers.remember(this.#path, { version: this.#version, bytes: this.#staged })
  }

  /** Under the lock: another save may have moved the pointer meanwhile. `isNew`: a file was made for it only now. */
  async settle(): Promise<{ readonly moves: Move[]; readonly isNew: boolean }> {
    if (this.#path === undefined) return { moves: [], isNew: false }
    const bytes = (await this.#isUnmoved()) ? this.#staged : await this.#decided()
    const isStaged = bytes !== undefined && this.#staged !== undefined && Buffer.compare(bytes, this.#staged) === 0
    if (!isStaged) {
      this.#version = undefined
      await this.#stage.dropPointer()
    }
    if (bytes === undefined) return { moves: [], isNew: false }
    if (!isStaged) {
      const file = await this.#stage.writePointer(bytes)
      await file.sync()
      await file.close()
    }
    const from = this.#stage.pointer?.path
    return { moves: from === undefined ? [] : [{ how: "replace", from, to: this.#path }], isNew: !isStaged }
  }

  /** The same file is still there: then the decision is the same too. */
  async #isUnmoved(): Promise<boolean> {
    if (this.#decidedOn === undefined || this.#path === undefined) return false
    const info = await lookUp(this.#files, this.#path)
    return info?.isFile() === true && versionOf(info) === this.#decidedOn
  }

  async #decided(seen?: BigIntStats): Promise<Uint8Array | undefined> {
    const path = this.#path
    const decide = this.#decide
    if (path === undefined || decide === undefined) return undefined
    const current = await this.#pointers.read(this.#files, path, seen)
    this.#decidedOn = current?.version
    return called(() => decide(current))
  }
}

/** What the caller's own code throws goes back to it as it is. */
function called<T>(code: () => T): T {
  try {
    return code()
  } catch (error) {
    throw new CallerError(error)
  }
}

function planOf(batch: CommitBatch): Plan | undefined {
  const keys = batch.create.map(({ key }) => keySegments(key))
  const pointer = batch.pointer === undefined ? undefined : keySegments(batch.pointer.key)
  const folder = keys[0]?.slice(0, -1) ?? []
  const base = folder.slice(0, -1)
  const directory = folder.at(-1)
  const names = keys.map((key) => key.at(-1) ?? "")
  // In the root itself nothing is renamed: its first level is where a store begins.
  if (directory === undefined || base.length === 0) return undefined
  if (!keys.every((key) => isIn(key, folder)) || new Set(names).size < names.length) return undefined
  if (pointer !== undefined && (!isIn(pointer, base) || pointer.at(-1) === directory)) return undefined
  return { base, directory, names, pointer: pointer?.at(-1) }
}

function isIn(key: readonly string[], folder: readonly string[]): boolean {
  return key.length === folder.length + 1 && folder.every((segment, depth) => segment === key[depth])
}

/**
 * Where the root is, and what is in it. Whether the writer may write is asked so that nothing is created by who may not;
 * what decides is the look right before the moves.
 */
async function look(access: Access, plan: Plan): Promise<{ found: string | undefined; room: Room | undefined }> {
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

async function openStage(root: Root, directories: Directories, base: string, plan: Plan): Promise<Stage> {
  const withPointer = plan.pointer !== undefined
  try {
    return await Stage.open(root.files, base, plan.names, withPointer)
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error
    // The folder was removed by hand. Once more; then it is a failure.
    return Stage.open(root.files, await directories.ensure(plan.base), plan.names, withPointer)
  }
}
