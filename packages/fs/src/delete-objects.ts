import { dirname } from "node:path"
import type { DeleteFailure } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import { syncDirectory } from "./directories.js"
import { damaged, kindOf, lookUp } from "./file-info.js"
import { CallerError, failure, hasErrno, throwIfAborted } from "./fs-errors.js"
import { keySegments } from "./paths.js"
import type { Root } from "./root.js"

const atOnce = 16

/** One key, and the directory in which its name is, or was. */
interface Removal {
  readonly key: string
  /** Folders of the key; `floor` of them are never removed. */
  readonly folders: number
  readonly directory: string
}

/** Removes names, then folders that became empty, then syncs each folder that lost something, once. */
export async function deleteObjects(
  root: Root,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DeleteFailure[]> {
  throwIfAborted(signal)
  const real = await root.resolve()
  const failures: DeleteFailure[] = []
  const removed: Removal[] = []
  await inGroups(keys, async (key) => {
    if (signal?.aborted) return
    try {
      const removal = await remove(root, real, key)
      if (removal !== undefined) removed.push(removal)
    } catch (error) {
      failures.push({ key, error: failure(error, "remove", key) })
    }
  })
  // Of what was removed before an abort, the sync is carried through all the same.
  const lost = new Map<string, Removal[]>()
  for (const removal of removed) lost.set(removal.directory, [...(lost.get(removal.directory) ?? []), removal])
  const changed = new Map<string, Removal[]>()
  await inGroups([...lost], async ([directory, removals]) => {
    const kept = await removeEmptied(root, directory, removals[0]?.folders ?? 0)
    changed.set(kept, [...(changed.get(kept) ?? []), ...removals])
  })
  await inGroups([...changed], async ([directory, removals]) => {
    try {
      await syncDirectory(root.files, directory)
    } catch (error) {
      // Removed by another's delete, which then syncs what is above.
      if (hasErrno(error, "ENOENT")) return
      for (const { key } of removals) failures.push({ key, error: notDurable(key, error) })
    }
  })
  if (signal?.aborted) throw new CallerError(signal.reason)
  return failures
}

/** Takes one name away; `undefined` if there is not even a folder that could have held it. */
async function remove(root: Root, real: string | undefined, key: string): Promise<Removal | undefined> {
  const marker = key.endsWith("/")
  const segments = keySegments(marker ? key.slice(0, -1) : key)
  const path = real === undefined ? undefined : await root.locate(real, segments)
  if (path === undefined) return undefined
  const removal = { key, folders: segments.length - 1, directory: dirname(path) }
  const info = await lookUp(root.files, path)
  // Absent already; the sync that follows makes that durable too, should its remover have been killed before its own.
  if (info === undefined) return removal
  // "name/" is a name that is taken without being an object; a regular file of that name is another key.
  if (marker && info.isFile()) return undefined
  try {
    // A link itself is removed, never what it leads to.
    if (info.isDirectory()) await root.files.rmdir(path)
    else await root.files.unlink(path)
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return removal
    if (hasErrno(error, "ENOTEMPTY", "EEXIST")) throw damaged(path, `${kindOf(info)} with something in it`)
    throw error
  }
  return removal
}

/**
 * Removes the folder if nothing is left in it, and the folders above it likewise, but never one of the first level. Returns
 * the folder that lost an entry. A folder that cannot be removed is a name that is taken, and listed as that: the keys
 * are gone, and of those the result speaks.
 */
async function removeEmptied(root: Root, directory: string, folders: number): Promise<string> {
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

function notDurable(key: string, cause: unknown): BackendError {
  const message = `${key} was removed, but the sync of its folder failed, so a crash may bring it back. ${failure(cause, "sync the folder of", key).message}`
  return new BackendError("ambiguous", message, { cause, unsettleable: true })
}

async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    // All workers share one iterator, so each item is taken once, in order.
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
