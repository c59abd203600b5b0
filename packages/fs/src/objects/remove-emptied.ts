import { dirname } from "node:path"
import { hasErrno } from "../files/errors.js"
import type { Root } from "../files/root.js"

/**
 * Removes the folder if nothing is left in it, then likewise the folders above it, but never a folder of the first level.
 * Returns the folder that lost an entry. A folder that cannot be removed is no failure of the caller: the keys in it are
 * gone, and the folder is listed as a taken name.
 */
export async function removeEmptied(root: Root, directory: string, folders: number): Promise<string> {
  let path = directory
  for (let depth = folders; depth > 1; depth--) {
    const gone = await root.files.rmdir(path).then(
      () => true,
      (error: unknown) => hasErrno(error, "ENOENT"),
    )
    if (!gone) break
    path = dirname(path)
  }
  return path
}
