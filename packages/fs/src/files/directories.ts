import type { BigIntStats } from "node:fs"
import { basename, dirname } from "node:path"
import { BackendError } from "@ckpt/core"
import { type Ending, markDoubtful, refuseDoubtful, settleDoubts, UnsyncedNames, unsettleable } from "./doubts.js"
import { hasErrno } from "./errors.js"
import type { FileApi } from "./file-api.js"
import { damaged, identityOf, kindOf, lookUp } from "./file-info.js"
import { at } from "./paths.js"
import { assertFolder, type Root } from "./root.js"
import { isUnsupported, isUntried, openDirectory, syncDirectory } from "./sync-directory.js"

const rememberedAtMost = 4096

/** Creates directories and makes them durable, each of them once per backend. */
export class Directories {
  readonly #root: Root
  readonly #files: FileApi
  /** Path → identity of the directory whose entry in its parent is durable. */
  readonly #durable = new Map<string, string>()
  readonly #underway = new Map<string, Promise<void>>()

  constructor(root: Root) {
    this.#root = root
    this.#files = root.files
  }

  /**
   * Creates the missing levels of the root and of `folders` below it, and returns the path of the last. All levels are
   * durable then. `known`: the real path of the root, if it was just resolved.
   */
  async ensure(folders: readonly string[], known?: string): Promise<string> {
    const real = known ?? (await this.#ensureRoot())
    let path = real
    for (const [depth, folder] of folders.entries()) {
      const parent = path
      path = at(parent, folder)
      const here = path
      await this.#once(here, () => this.#ensureEntry(parent, here, depth))
    }
    return path
  }

  /** Makes the folders on the way to an object durable, below the root (`real`), without creating any. */
  async confirm(real: string, folders: readonly string[]): Promise<void> {
    let parent = real
    for (const folder of folders) {
      const path = at(parent, folder)
      await settleDoubts(path)
      const info = await lookUp(this.#files, path)
      if (parent === real) this.#root.watch(folder, info)
      if (info === undefined) return
      if (!this.isDurable(path, info)) {
        await this.#confirmEntry(parent, path)
        this.remember(path, info)
      }
      parent = path
    }
  }

  async #confirmEntry(parent: string, path: string): Promise<void> {
    try {
      await this.#syncEntry(parent, path)
    } catch (error) {
      if (isUntried(error) || isUnsupported(error) || isUnsettleable(error)) throw error
      throw unsettleable(
        path,
        error,
        "it exists already, but the sync of its directory failed, so a crash may still undo it",
      )
    }
  }

  /** Whether the entry of this directory, as it was just found, is known to be durable. */
  isDurable(path: string, info: BigIntStats): boolean {
    return info.isDirectory() && this.#durable.get(path) === identityOf(info)
  }

  /** Whether the entry of a directory at this path was durable when it was last looked at: a guess. */
  isKnown(path: string): boolean {
    return this.#durable.has(path)
  }

  /** Records that the entry of this directory is durable, where another function made it so. */
  remember(path: string, info: BigIntStats): void {
    if (this.#durable.size >= rememberedAtMost) this.#durable.clear()
    this.#durable.set(path, identityOf(info))
  }

  /** Callers that need the same directory at the same time share one attempt. */
  async #once(path: string, work: () => Promise<void>): Promise<void> {
    let promise = this.#underway.get(path)
    if (promise === undefined) {
      promise = work().finally(() => this.#underway.delete(path))
      this.#underway.set(path, promise)
    }
    await promise
  }

  async #ensureRoot(): Promise<string> {
    for (let attempt = 0; ; attempt++) {
      const real = await this.#root.resolve()
      if (real !== undefined) return real
      if (attempt === 2)
        throw new BackendError("transient", `the root ${this.#root.path} is removed as often as it is created.`)
      await this.#once(this.#root.path, () => this.#createRoot())
    }
  }

  async #createRoot(): Promise<void> {
    const missing: string[] = []
    let path = this.#root.path
    while (!(await exists(this.#files, path))) {
      missing.push(path)
      path = dirname(path)
    }
    let parent = await this.#files.realpath(path)
    for (const level of missing.reverse()) {
      const child = at(parent, basename(level))
      refuseDoubtful(child)
      await this.#create(parent, child)
      parent = child
    }
  }

  async #ensureEntry(parent: string, path: string, depth: number): Promise<void> {
    await settleDoubts(path)
    const info = await lookUp(this.#files, path)
    if (depth === 0) this.#root.watch(basename(path), info)
    if (info === undefined) {
      // The first folder below the root is made only when everything above is durable. So a process that finds this folder may
      // rely on the levels above, even if their creator was killed between any two calls.
      if (depth === 0) await this.#syncAncestors(parent)
      const made = await this.#create(parent, path)
      if (depth === 0) this.#root.watch(basename(path), made)
      return
    }
    assertFolder(path, info, depth)
    if (this.isDurable(path, info)) return
    // The folder existed already, but its creator may have been killed before the sync.
    await this.#syncEntry(parent, path)
    this.remember(path, info)
  }

  async #create(parent: string, path: string): Promise<BigIntStats> {
    let created = true
    await this.#files.mkdir(path).catch((error: unknown) => {
      if (!hasErrno(error, "EEXIST")) throw error
      created = false
    })
    const info = await lookUp(this.#files, path)
    if (info === undefined)
      throw new BackendError("transient", `${path} was removed right after it was created: try again.`)
    if (info.isSymbolicLink()) throw damaged(path, "a symbolic link", "a folder")
    if (!info.isDirectory()) throw damaged(path, kindOf(info), "a folder")
    await this.#syncEntry(parent, path, created)
    this.remember(path, info)
    return info
  }

  async #syncEntry(parent: string, path: string, created = false): Promise<void> {
    const handle = await openDirectory(this.#files, parent)
    const unsynced = new UnsyncedNames(parent)
    let ending: Ending = "synced"
    try {
      if (created) unsynced.add(path, "created")
      else unsynced.addFound(path)
      await handle?.sync()
      if (unsynced.isLost)
        throw new BackendError(
          "permanent",
          `${path} is not durable: another sync of its folder failed. Check the disk.`,
        )
    } catch (error) {
      // The entry is removed: the next attempt makes a new entry, and a sync of that means something again.
      const removed =
        created &&
        (await this.#files.rmdir(path).then(
          () => true,
          () => false,
        ))
      ending = removed || isUnsupported(error) ? "untried" : "lost"
      throw error
    } finally {
      unsynced.end(ending)
      await handle?.close().catch(() => undefined)
    }
  }

  /**
   * Syncs the entries of the root and of every folder above it: an earlier process that was killed may have created any
   * of them.
   */
  async #syncAncestors(real: string): Promise<void> {
    for (let path = real; dirname(path) !== path; path = dirname(path)) {
      if (this.#durable.has(path)) continue
      try {
        await syncDirectory(this.#files, dirname(path))
      } catch (error) {
        // In a folder that this process may not even read, it created nothing. Pseudo filesystems cannot sync.
        if (hasErrno(error, "EACCES", "EPERM", "EROFS") || isUnsupported(error)) continue
        if (!isUntried(error)) markDoubtful(path, "created")
        throw error
      }
    }
  }
}

function isUnsettleable(error: unknown): boolean {
  return error instanceof BackendError && error.unsettleable
}

async function exists(files: FileApi, path: string): Promise<boolean> {
  try {
    // `stat` follows links: a folder above the root may be a link.
    const info = await files.stat(path, { bigint: true })
    if (info.isDirectory()) return true
    throw new BackendError(
      "permanent",
      `${path} is ${kindOf(info)}, not a folder, so the root below it cannot be created.`,
    )
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return false
    throw error
  }
}
