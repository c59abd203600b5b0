import { dirname } from "node:path"
import type { Body, ObjectMeta, PutOptions } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import type { Access } from "../claim/fence.js"
import type { Directories } from "../files/directories.js"
import { refuseDoubtful } from "../files/doubts.js"
import { hasErrno, throwIfAborted } from "../files/errors.js"
import { lookUp, metaOf, refuseForeign, versionOf } from "../files/file-info.js"
import { NewFile } from "../files/new-file.js"
import { at, keySegments } from "../files/paths.js"
import { type Move, publish } from "../files/publish.js"
import type { Root } from "../files/root.js"
import { asWriter, rootState } from "../files/root-lock.js"
import { type OpenDirectory, openDirectory } from "../files/sync-directory.js"
import { writeBody } from "../files/write-body.js"
import { removeEmptied } from "./remove-emptied.js"

/** Writes one object: temporary file, write, sync, close, then link or rename, and a sync of the directory. */
export async function putObject(access: Access, key: string, body: Body, options: PutOptions): Promise<ObjectMeta> {
  const { root, directories, fence } = access
  const { when, signal } = options
  const segments = keySegments(key)
  const folders = segments.slice(0, -1)
  const name = segments.at(-1) ?? key
  throwIfAborted(signal)
  // Before anything is created: the replacement of an absent object must leave no folders behind.
  if (typeof when === "object") await requireSomething(root, segments, key)
  const folder = await directories.ensure(folders)
  const real = folders.reduce((path) => dirname(path), folder)
  const state = rootState(real)

  return asWriter(state, signal, async () => {
    const target = at(folder, name)
    refuseDoubtful(target, when !== "absent")
    const { file, directory } = await open(root, directories, folder, folders)
    try {
      await writeBody(file.handle, body, signal)
      const info = await file.stamp()
      await file.sync()
      await file.close()
      await publish({
        files: root.files,
        state,
        target,
        directory,
        prepare: async (): Promise<Move[]> => {
          throwIfAborted(signal)
          if (typeof when === "object") await requireVersion(root, target, key, when.version)
          if (when === undefined) await refuseForeign(root.files, target)
          // Last: the temporary file must exist before this look.
          await fence.check(real, folders)
          return [{ how: when === "absent" ? "link" : "replace", from: file.path, to: target }]
        },
      })
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

interface Opened {
  readonly file: NewFile
  readonly directory: OpenDirectory | undefined
}

/**
 * Opens all handles before the body is touched. A body can be read only once; a lack of handles passes, and the caller
 * can try again.
 */
async function open(root: Root, directories: Directories, folder: string, folders: readonly string[]): Promise<Opened> {
  try {
    return await openIn(root, folder)
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error
    // The folder became empty and was removed, by a prune of another id or by hand. One more try; then it is a failure.
    return openIn(root, await directories.ensure(folders))
  }
}

async function openIn(root: Root, folder: string): Promise<Opened> {
  const directory = await openDirectory(root.files, folder)
  try {
    return { file: await NewFile.createTemporary(root.files, folder, "tmp"), directory }
  } catch (error) {
    await directory?.close().catch(() => undefined)
    throw error
  }
}

async function requireSomething(root: Root, segments: readonly string[], key: string): Promise<void> {
  const real = await root.resolve()
  const path = real === undefined ? undefined : await root.locate(real, segments)
  if (path === undefined || (await lookUp(root.files, path)) === undefined) throw absent(key)
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
