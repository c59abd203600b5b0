import { dirname } from "node:path"
import type { DeleteFailure } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import { mapConcurrently } from "@ckpt/core/adapter"
import type { Access } from "../claim/fence.js"
import { Trash } from "../claim/trash.js"
import { CallerError, failure, hasErrno, throwIfAborted } from "../files/errors.js"
import { damaged, kindOf, lookUp } from "../files/file-info.js"
import { at, keySegments } from "../files/paths.js"
import type { Root } from "../files/root.js"
import { rootState } from "../files/root-lock.js"
import { refillSpare } from "../files/spare.js"
import { isUnsupported, isUntried, syncDirectory } from "../files/sync-directory.js"
import { removeEmptied } from "./remove-emptied.js"

/** One key, and the place of its name. */
interface Removal {
  readonly key: string
  readonly marker: boolean
  readonly folders: readonly string[]
  readonly name: string
  readonly directory: string
}

/**
 * Removes names, folder by folder, then the folders that became empty, then syncs each folder that lost a name, once. The
 * names are taken to a temporary folder (`Trash`), which a claim sweeps away: after it, nothing more is removed.
 */
export async function deleteObjects(
  access: Access,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DeleteFailure[]> {
  const { root } = access
  throwIfAborted(signal)
  const failures: DeleteFailure[] = []
  const wanted: Removal[] = []
  const real = await root.resolve()
  for (const key of keys) {
    try {
      wanted.push(removalOf(real ?? root.path, key))
    } catch (error) {
      failures.push({ key, error: failure(error, "remove", key) })
    }
  }
  // A superseded writer gets `fenced` for the whole call as long as nothing was removed; after that, key by key.
  await access.fence.check(real, wanted[0]?.folders ?? []).catch((error: unknown) => {
    if (error instanceof BackendError && error.kind === "fenced") throw error
  })
  if (real === undefined) return failures

  const removed: Removal[] = []
  await mapConcurrently([...grouped(wanted, ({ directory }) => directory).values()], async (removals) => {
    const folder = new Folder(access, real, removals[0]?.folders ?? [])
    await mapConcurrently(removals, async (removal) => {
      if (signal?.aborted) return
      try {
        if (await folder.remove(removal)) removed.push(removal)
      } catch (error) {
        failures.push({ key: removal.key, error: failure(error, "remove", removal.key) })
      }
    })
    await folder.close()
  })
  // Names that were removed before an abort are synced all the same.
  const changed = new Map<string, Removal[]>()
  await mapConcurrently([...grouped(removed, ({ directory }) => directory)], async ([directory, removals]) => {
    // The first level is never removed.
    const kept = await removeEmptied(root, directory, removals[0]?.folders.length ?? 0)
    changed.set(kept, [...(changed.get(kept) ?? []), ...removals])
  })
  await mapConcurrently([...changed], async ([directory, removals]) => {
    try {
      await syncNearest(root, directory)
    } catch (error) {
      for (const { key } of removals) failures.push({ key, error: notDurable(key, error) })
    }
  })
  for (const folder of [...changed.keys()].slice(0, 1)) await refillSpare({ files: root.files, real, folder })
  if (signal?.aborted) throw new CallerError(signal.reason)
  const told = failures.find(({ error }) => error.kind === "fenced")
  if (told !== undefined && removed.length === 0) throw told.error
  return failures
}

function removalOf(real: string, key: string): Removal {
  const marker = key.endsWith("/")
  const segments = keySegments(marker ? key.slice(0, -1) : key)
  const folders = segments.slice(0, -1)
  return { key, marker, folders, name: segments.at(-1) ?? "", directory: folders.reduce(at, real) }
}

/** One folder of which names are removed. */
class Folder {
  readonly #access: Access
  readonly #real: string
  readonly #folders: readonly string[]
  #trash: Promise<Trash> | undefined

  constructor(access: Access, real: string, folders: readonly string[]) {
    this.#access = access
    this.#real = real
    this.#folders = folders
  }

  /** Takes one name away; false if the key means another kind of name than the one that is there. */
  async remove({ marker, name }: Removal): Promise<boolean> {
    const { root } = this.#access
    const path = await root.locate(this.#real, [...this.#folders, name])
    const info = path === undefined ? undefined : await lookUp(root.files, path)
    // The name is absent already. Its remover may have been killed before the sync, so the sync that follows is needed.
    if (path === undefined || info === undefined) return true
    // "name/" means a taken name that is no object. A regular file of that name is another key.
    if (marker && info.isFile()) return false
    // Only files and folders come from this package. A link or a device stays, whatever name it has.
    if (!info.isFile() && !info.isDirectory()) throw damaged(path, kindOf(info))
    try {
      if (info.isDirectory()) {
        // In place: the loss of an empty folder harms nobody, and a writer that needs it makes it again.
        await rootState(this.#real).lock.run(() => root.files.rmdir(path))
      } else {
        await this.#take(path)
      }
    } catch (error) {
      if (hasErrno(error, "ENOENT", "ENOTDIR")) return true
      if (hasErrno(error, "ENOTEMPTY", "EEXIST")) throw damaged(path, `${kindOf(info)} with something in it`)
      throw error
    }
    return true
  }

  async close(): Promise<void> {
    await (await this.#trash?.catch(() => undefined))?.empty()
  }

  async #take(path: string): Promise<void> {
    this.#trash ??= Trash.open(this.#access, this.#real, this.#folders)
    const trash = await this.#trash
    // Under the lock, under which an update compares versions and renames: it must not bring back a name that goes
    // meanwhile.
    await rootState(this.#real).lock.run(async () => {
      // What took the name meanwhile stays.
      if ((await lookUp(this.#access.root.files, path))?.isFile() === true) await trash.take(path)
    })
  }
}

/** Syncs the directory. If it is gone, syncs the nearest folder above that is left, since its entry was lost there. */
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
  // The sync was not even tried, so the next delete of this key can make up for it.
  if (isUntried(cause) || isUnsupported(cause)) return failure(cause, "sync the folder of", key)
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
