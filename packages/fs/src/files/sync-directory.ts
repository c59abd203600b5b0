import { constants } from "node:fs"
import { BackendError } from "@ckpt/core"
import { syncFailed } from "./doubts.js"
import { hasErrno } from "./errors.js"
import type { FileApi, OpenFile } from "./file-api.js"

/**
 * Windows cannot open a directory to sync it (EPERM, EISDIR). NTFS journals its directory entries, so a crash of the system
 * leaves the old name or the new name; NTFS decides how soon the new name is on the disk.
 */
const syncsDirectories = process.platform !== "win32"

const openDirectoryFlags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0)

/** A directory that was opened to sync its entries. */
export type OpenDirectory = Pick<OpenFile, "sync" | "stat" | "close">

/** Opens a directory for its sync; `undefined` on Windows, and if directories are not to be synced. */
export async function openDirectory(files: FileApi, path: string): Promise<OpenDirectory | undefined> {
  if (!syncsDirectories || files.directorySync === false) return undefined
  const handle = await files.open(path, openDirectoryFlags)
  return {
    async sync() {
      try {
        await handle.sync()
      } catch (error) {
        const unsupported = unsupportedSync(path, error)
        if (unsupported === undefined) syncFailed(path)
        throw unsupported ?? error
      }
    },
    stat: (options) => handle.stat(options),
    close: () => handle.close(),
  }
}

/** CIFS and some FUSE filesystems cannot sync a directory at all. That is no failure of what was to be synced. */
function unsupportedSync(path: string, error: unknown): BackendError | undefined {
  if (!hasErrno(error, "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS")) return undefined
  const message =
    `the filesystem of ${path} cannot sync a folder (${(error as Error).message}), so a power cut may undo a save that was acknowledged. ` +
    "Use a local disk; or accept that, with directorySync: false"
  return new BackendError("unsupported", message, { cause: error })
}

/** Whether {@link syncDirectory} failed before its sync: that leaves nothing in doubt, and the next sync means something. */
export function isUntried(error: unknown): boolean {
  return hasErrno(error, "EMFILE", "ENFILE") || (error as NodeJS.ErrnoException).syscall === "open"
}

export function isUnsupported(error: unknown): boolean {
  return error instanceof BackendError && error.kind === "unsupported"
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
