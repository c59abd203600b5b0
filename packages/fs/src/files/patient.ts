import { setTimeout as pause } from "node:timers/promises"
import { hasErrno } from "./errors.js"
import { changed, type FileApi } from "./file-api.js"
import { lookUp } from "./file-info.js"

/** Milliseconds. Together five seconds. */
const waits = [10, 20, 50, 100, 200, 400, 800, 1_600, 1_820]

/**
 * The file calls on Windows. A virus scanner or an indexer opens a new file for a moment, and meanwhile nobody can rename or
 * remove it (EPERM, EACCES, EBUSY). So these two calls are made again for some seconds.
 *
 * @param wait for tests
 */
export function patient(files: FileApi, wait: (ms: number) => Promise<unknown> = pause): FileApi {
  async function again(call: () => Promise<void>, isFinal: () => Promise<boolean>): Promise<void> {
    for (const ms of waits) {
      try {
        return await call()
      } catch (error) {
        if (!hasErrno(error, "EPERM", "EACCES", "EBUSY") || (await isFinal())) throw error
      }
      await wait(ms)
    }
    return call()
  }
  const isFolder = async (path: string) => (await lookUp(files, path))?.isDirectory() === true
  return changed(files, {
    // EPERM also says that a folder is there: no file replaces it, and no folder.
    rename: (from, to) =>
      again(
        () => files.rename(from, to),
        () => isFolder(to),
      ),
    // EPERM also says that the name is a folder's.
    unlink: (path) =>
      again(
        () => files.unlink(path),
        () => isFolder(path),
      ),
  })
}
