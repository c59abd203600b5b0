import { dirname } from "node:path"
import type { DeleteFailure } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import { syncDirectory } from "./directories.js"
import { damaged, kindOf, lookUp } from "./file-info.js"
import { CallerError, failure, hasErrno, throwIfAborted } from "./fs-errors.js"
import { at, keySegments } from "./paths.js"
import type { Root } from "./root.js"
import { exclusively, rootState } from "./root-lock.js"

const atOnce = 16

/** One key, and the directory in which its name is, or was. */
interface Removal {
  readonly key: string
  /** How many folders the key has; the first one is never removed. */
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
  const changed = new Map<string, Removal[]>()
  await inGroups([...grouped(removed, ({ directory }) => directory)], async ([directory, removals]) => {
    const kept = await removeEmptied(root, directory, removals[0]?.folders ?? 0)
    changed.set(kept, [...(changed.get(kept) ?? []), ...removals])
  })
  await inGroups([...changed], async ([directory, removals]) => {
    try {
      await syncNearest(root, directory)
    } catch (error) {
      for (const { key } of removals) failures.push({ key, error: notDurable(key, error) })
    }
  })
  if (signal?.aborted) throw new CallerError(signal.reason)
  return failures
}

/** Takes one name away; `undefined` if there is no root, or no such name by nature. */
async function remove(root: Root, real: string | undefined, key: string): Promise<Removal | undefined> {
  const marker = key.endsWith("/")
  const segments = keySegments(marker ? key.slice(0, -1) : key)
  if (real === undefined) return undefined
  const path = await root.locate(real, segments)
  const removal = { key, folders: segments.length - 1, directory: segments.slice(0, -1).reduce(at, real) }
  const info = path === undefined ? undefined : await lookUp(root.files, path)
  // Absent already; the sync that follows makes that durable too, should its remover have been killed before its own.
  if (path === undefined || info === undefined) return removal
  // "name/" is a name that is taken without being an object; a regular file of that name is another key.
  if (marker && info.isFile()) return undefined
  // Of what takes a name only an empty directory can be a leftover of ours.
  if (marker && !info.isDirectory()) throw damaged(path, kindOf(info))
  try {
    // A link itself is removed, never what it leads to. Under the lock: an update compares versions and renames under it,
    // and must not bring back what goes in between.
    await exclusively(rootState(real), () => (info.isDirectory() ? root.files.rmdir(path) : root.files.unlink(path)))
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

/** Syncs the directory, or what is left of the path to it: the names that went are in what is above. */
async function syncNearest(root: Root, directory: string): Promise<void> {
  for (let path = directory; ; path = dirname(path)) {
    try {
      return await syncDirectory(root.files, path)
    } catch (error) {
      if (!hasErrno(error, "ENOENT", "ENOTDIR") || dirname(path) === path) throw error
    }
  }
}

function notDurable(key: string, cause: unknown): BackendError {
  // Nothing was asked of the disk yet: the next delete of this key syncs it.
  if (hasErrno(cause, "EMFILE", "ENFILE")) return failure(cause, "sync the folder of", key)
  const message = `${key} was removed, but the sync of its folder failed, so a crash may bring it back. ${failure(cause, "sync the folder of", key).message}`
  return new BackendError("ambiguous", message, { cause, unsettleable: true })
}

function grouped<T>(items: readonly T[], by: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(by(item))
    if (group === undefined) groups.set(by(item), [item])
    else group.push(item)
  }
  return groups
}

async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    // All workers share one iterator, so each item is taken once, in order.
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
