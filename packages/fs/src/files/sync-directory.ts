import { constants } from "node:fs"
import type { FileApi, OpenFile } from "./file-api.js"

/**
 * Windows cannot open a directory to sync it (EPERM, EISDIR). NTFS journals its directory entries, so a crash of the system
 * leaves the old name or the new name; NTFS decides how soon the new name is on the disk.
 */
const syncsDirectories = process.platform !== "win32"

const openDirectoryFlags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0)

/** A handle by which the entries of a directory can be synced; `undefined` on Windows. */
export async function openDirectory(files: FileApi, path: string): Promise<OpenFile | undefined> {
  return syncsDirectories ? files.open(path, openDirectoryFlags) : undefined
}

export async function syncDirectory(files: FileApi, path: string): Promise<void> {
  const handle = await openDirectory(files, path)
  try {
    await handle?.sync()
  } finally {
    // The directory was only read: a close that fails undoes nothing.
    await handle?.close().catch(() => undefined)
  }
}
