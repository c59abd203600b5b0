import type { BigIntStats } from "node:fs"
import { dirname } from "node:path"
import type { Body, ObjectMeta, PutOptions } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import type { Access } from "../claim/fence.js"
import { refuseDoubtful } from "../files/doubts.js"
import { hasErrno, isFull, throwIfAborted } from "../files/errors.js"
import { lookUp, metaOf, refuseForeign, versionOf } from "../files/file-info.js"
import { NewFile } from "../files/new-file.js"
import { at, keySegments } from "../files/paths.js"
import { type Move, publish } from "../files/publish.js"
import type { Root } from "../files/root.js"
import { asWriter, rootState } from "../files/root-lock.js"
import { keepSpare, type SparePlace, takeSpare } from "../files/spare.js"
import { type OpenDirectory, openDirectory } from "../files/sync-directory.js"
import { writeBody } from "../files/write-body.js"
import { removeEmptied } from "./remove-emptied.js"

/** Writes one object: temporary file, write, sync, close, then link or rename, and a sync of the directory. */
export async function putObject(access: Access, key: string, body: Body, options: PutOptions): Promise<ObjectMeta> {
  const { root, directories, fence } = access
  const { when, weakly = false, signal } = options
  const segments = keySegments(key)
  const folders = segments.slice(0, -1)
  const name = segments.at(-1) ?? key
  throwIfAborted(signal)
  // Before anything is created: the replacement of an absent object must leave no folders behind.
  const known = typeof when === "object" ? await requireSomething(root, segments, key) : undefined
  const folder = await directories.ensure(folders, known)
  const real = folders.reduce((path) => dirname(path), folder)
  const state = rootState(real)

  const place = { files: root.files, real, folder, state }

  return asWriter(state, signal, async () => {
    const target = at(folder, name)
    refuseDoubtful(target, when !== "absent" || weakly)
    // Only these are tried without room: whoever makes room replaces an object first.
    const spare = typeof when === "object" || weakly ? place : undefined
    const { file, info, directory } = await write(root, folder, body, spare, signal).catch(async (error: unknown) => {
      if (!hasErrno(error, "ENOENT")) throw error
      // The folder became empty and was removed, by a prune of another id or by hand. One more try; then it is a failure.
      return write(root, await directories.ensure(folders), body, spare, signal)
    })
    try {
      await publish({
        files: root.files,
        state,
        target,
        directory,
        prepare: async (): Promise<Move[]> => {
          throwIfAborted(signal)
          if (typeof when === "object") await requireVersion(root, target, key, when.version)
          // Under the lock of the root, where every other writer of this process looks too. So no hard link is needed.
          if (when === "absent" && weakly) await requireNothing(root, target, key)
          if (when === undefined) await refuseForeign(root.files, target)
          // Last: the temporary file must exist before this look.
          await fence.check(real, folders)
          return [{ how: when === "absent" ? "link" : "replace", weakly, from: file.path, to: target }]
        },
      })
      if (spare !== undefined) await keepSpare(spare, Number(info.size))
      return metaOf(key, info)
    } catch (error) {
      await file.discard()
      // A writer that is refused leaves nothing behind, no empty folder either.
      if (error instanceof BackendError && error.kind === "fenced") await removeEmptied(root, folder, folders.length)
      throw error
    } finally {
      // The directory was only read: a close that fails undoes nothing.
      await directory?.close().catch(() => undefined)
    }
  })
}

interface Written {
  readonly file: NewFile
  readonly info: BigIntStats
}

/**
 * Writes the body to a file under a temporary name. All handles are opened before the body is touched. A body can be read only
 * once; a lack of handles passes, and the caller can try again.
 *
 * @param spare where a file is taken from if there is no room for a new one
 */
async function write(
  root: Root,
  folder: string,
  body: Body,
  spare: SparePlace | undefined,
  signal: AbortSignal | undefined,
): Promise<Written & { readonly directory: OpenDirectory | undefined }> {
  const directory = await openDirectory(root.files, folder)
  try {
    const create = () => NewFile.createTemporary(root.files, folder, "tmp")
    const written = await writeTo(create, body, signal).catch((error: unknown) => {
      // A stream is read only once.
      if (spare === undefined || !Array.isArray(body) || !isFull(error)) throw error
      return writeWithoutRoom(spare, create, body, error, signal)
    })
    return { ...written, directory }
  } catch (error) {
    await directory?.close().catch(() => undefined)
    throw error
  }
}

async function writeTo(create: () => Promise<NewFile>, body: Body, signal: AbortSignal | undefined): Promise<Written> {
  const file = await create()
  try {
    await writeBody(file.handle, body, signal)
    const info = await file.stamp()
    await file.sync()
    await file.close()
    return { file, info }
  } catch (error) {
    await file.discard()
    throw error
  }
}

/** @param full the failure without the spare */
async function writeWithoutRoom(
  spare: SparePlace,
  create: () => Promise<NewFile>,
  body: readonly Uint8Array[],
  full: unknown,
  signal: AbortSignal | undefined,
): Promise<Written> {
  const bytes = body.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  const file = await takeSpare(spare, bytes)
  if (file === undefined) throw full
  return writeTo(async () => file, body, signal).catch((error: unknown) => {
    if (!isFull(error)) throw error
    // On a filesystem that writes elsewhere what is overwritten (btrfs, ZFS). The spare is removed by now, which made room.
    return writeTo(create, body, signal)
  })
}

/** The real path of the root. */
async function requireSomething(root: Root, segments: readonly string[], key: string): Promise<string> {
  const real = await root.resolve()
  const path = real === undefined ? undefined : await root.locate(real, segments)
  if (real === undefined || path === undefined || (await lookUp(root.files, path)) === undefined) throw absent(key)
  return real
}

async function requireNothing(root: Root, target: string, key: string): Promise<void> {
  if ((await lookUp(root.files, target)) === undefined) return
  throw new BackendError("precondition", `${key} exists already; it was left as it is.`)
}

async function requireVersion(root: Root, target: string, key: string, version: string): Promise<void> {
  const info = await lookUp(root.files, target)
  if (info === undefined) throw absent(key)
  if (!info.isFile() || versionOf(info) !== version) {
    throw new BackendError(
      "precondition",
      `${key} has been replaced since version ${version} was read; it was left as it is.`,
    )
  }
}

function absent(key: string): BackendError {
  return new BackendError("precondition", `${key} does not exist, so there is nothing to replace.`)
}
