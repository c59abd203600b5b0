import { hasErrno } from "./errors.js"
import type { FileApi } from "./file-api.js"
import { lookUp } from "./file-info.js"
import { NewFile } from "./new-file.js"

/**
 * The time by the clock of a folder: what the filesystem stamps on a file just made there. The process's own clock may be hours
 * away from it: then young files would seem old, and a save under way would be collected.
 */
export async function folderTime(files: FileApi, folder: string): Promise<Date> {
  let file: NewFile
  try {
    file = await NewFile.createTemporary(files, folder, "tmp")
  } catch (error) {
    // Retention may be what makes room on a full disk.
    if (!hasErrno(error, "ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM")) throw error
    return lastChange(files, folder)
  }
  try {
    return (await file.info()).mtime
  } finally {
    await file.discard()
  }
}

/** A time that is not later than now: then an age is at most too short. */
async function lastChange(files: FileApi, folder: string): Promise<Date> {
  const changed = (await lookUp(files, folder))?.mtimeMs
  return new Date(Math.min(Date.now(), Number(changed ?? Number.POSITIVE_INFINITY)))
}
