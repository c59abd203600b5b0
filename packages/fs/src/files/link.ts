import { BackendError } from "@ckpt/core"
import { hasErrno } from "./errors.js"
import type { FileApi } from "./file-api.js"

/**
 * Gives a file of ours a second name, which must not exist: the only way to create a whole file only if absent.
 *
 * @throws {BackendError} `unsupported` on a filesystem without hard links. Linux says EPERM there (FAT, exFAT); for a file that
 *   this process just made, it has no other meaning
 */
export async function linkFile(files: FileApi, existing: string, created: string): Promise<void> {
  try {
    await files.link(existing, created)
  } catch (error) {
    if (!hasErrno(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS")) throw error
    const message = `the filesystem of ${created} has no hard links (${(error as Error).message}), so a file cannot be created only if absent`
    throw new BackendError("unsupported", message, { cause: error })
  }
}
