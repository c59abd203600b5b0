import type { BigIntStats } from "node:fs"
import type { ObjectMeta } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import { hasErrno } from "./errors.js"
import type { Entry, FileApi } from "./file-api.js"

/**
 * Inode, size and time of modification tell two contents apart, since every file is written once, under a new inode, and
 * never changed. A freed inode number may be used again at once; therefore `NewFile.stamp` sets a time that is unique.
 */
export function versionOf(info: BigIntStats): string {
  return `${info.ino}-${info.size}-${info.mtimeNs}`
}

export function metaOf(key: string, info: BigIntStats): ObjectMeta {
  return { key, size: Number(info.size), version: versionOf(info), lastModified: info.mtime }
}

export function kindOf(info: BigIntStats): string {
  if (info.isFile()) return "a file"
  if (info.isDirectory()) return "a directory"
  if (info.isSymbolicLink()) return "a symbolic link"
  if (info.isFIFO()) return "a named pipe"
  if (info.isSocket()) return "a socket"
  return "a device"
}

export function damaged(path: string, what: string, wanted = "a file"): BackendError {
  return new BackendError(
    "damaged",
    `${path} is ${what}, not ${wanted}. It was left alone: move it away, or restore ${wanted} there.`,
  )
}

/** Throws if something else than a file is at the path. It is not ours, whatever its name, and a rename would remove it. */
export async function refuseForeign(files: FileApi, path: string): Promise<void> {
  const info = await lookUp(files, path)
  if (info !== undefined && !info.isFile()) throw damaged(path, kindOf(info))
}

/** `lstat`, or `undefined` if nothing has this name. ENOTDIR: a parent is a file, so nothing has this name. */
export async function lookUp(files: FileApi, path: string): Promise<BigIntStats | undefined> {
  try {
    return await files.lstat(path, { bigint: true })
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined
    throw error
  }
}

/** The names in a folder; none if the folder is gone, or if a file is in its place. */
export async function namesIn(files: FileApi, folder: string): Promise<string[]> {
  return (await entriesIn(files, folder)).map(({ name }) => name)
}

/** As {@link namesIn}, with what the folder itself tells of each. */
export async function entriesIn(files: FileApi, folder: string): Promise<Entry[]> {
  try {
    return await files.readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return []
    throw error
  }
}

/** Which directory it is. Contains the time of birth, since an inode number may be used again as soon as its directory is removed. */
export function identityOf(info: BigIntStats): string {
  return `${info.dev}-${info.ino}-${info.birthtimeNs}`
}
