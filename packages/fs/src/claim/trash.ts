import { BackendError } from "@ckpt/core"
import { hasErrno } from "../files/errors.js"
import type { FileApi } from "../files/file-api.js"
import { lookUp } from "../files/file-info.js"
import { at, newTemporaryName } from "../files/paths.js"
import type { Access } from "./fence.js"

/**
 * Where the names of one folder go to be removed: a temporary folder in it, made before the writer looks whether it still
 * may. A claim takes it away, and with it the writer's means to remove anything. It lies in the very folder that it takes
 * from, so that whoever claims that folder, or one above it, finds it.
 */
export class Trash {
  readonly #access: Access
  readonly #real: string
  readonly #folders: readonly string[]
  readonly #folder: string
  /** `undefined` where the disk is too full even for a folder. */
  #path: string | undefined
  #taken = 0

  private constructor(access: Access, real: string, folders: readonly string[]) {
    this.#access = access
    this.#real = real
    this.#folders = folders
    this.#folder = folders.reduce(at, real)
  }

  static async open(access: Access, real: string, folders: readonly string[]): Promise<Trash> {
    const trash = new Trash(access, real, folders)
    await trash.#make()
    try {
      await trash.#check()
    } catch (error) {
      await trash.empty()
      throw error
    }
    return trash
  }

  /** Its own name, which is no leftover. */
  get path(): string | undefined {
    return this.#path
  }

  /** Takes a name away, whatever it is; false if it is not there. Rejects with `fenced` if a claim came first. */
  async take(from: string): Promise<boolean> {
    if (this.#path === undefined) return this.#takeInPlace(from)
    try {
      await this.#files.rename(from, at(this.#path, String(this.#taken++)))
      return true
    } catch (error) {
      // A folder of a lower layer of an overlay cannot be renamed.
      if (hasErrno(error, "EXDEV")) return this.#takeInPlace(from)
      if (!hasErrno(error, "ENOENT")) throw error
      if ((await lookUp(this.#files, this.#path)) !== undefined) return false
      await this.#check()
      throw new BackendError("transient", `${this.#path} was removed while it was used: try again.`, { cause: error })
    }
  }

  /** Gives the room back. What cannot be removed now is found by `leftovers`. */
  async empty(): Promise<void> {
    const path = this.#path
    if (path === undefined) return
    for (let n = 0; n < this.#taken; n++) {
      const taken = at(path, String(n))
      await this.#files.unlink(taken).catch((error: unknown) => {
        // A folder, in the words of Linux and of others.
        if (hasErrno(error, "EISDIR", "EPERM")) return removeTree(this.#files, taken).catch(() => undefined)
        return undefined
      })
    }
    await this.#files.rmdir(path).catch(() => undefined)
  }

  get #files(): FileApi {
    return this.#access.root.files
  }

  #check(): Promise<void> {
    return this.#access.fence.check(this.#real, this.#folders)
  }

  async #make(): Promise<void> {
    const path = at(this.#folder, newTemporaryName("stage"))
    try {
      await this.#files.mkdir(path)
      this.#path = path
    } catch (error) {
      // Who wants to remove something may want it for the room. Without a folder, a claim that comes exactly between the
      // look and the removal does not hold it up.
      if (!hasErrno(error, "ENOSPC", "EDQUOT", "EMLINK")) throw error
    }
  }

  async #takeInPlace(from: string): Promise<boolean> {
    await this.#check()
    const info = await lookUp(this.#files, from)
    if (info === undefined) return false
    if (!info.isDirectory()) await this.#files.unlink(from)
    else await removeTree(this.#files, await this.#renamed(from))
    return true
  }

  /** A folder that is emptied must have lost its name before, or it could still be moved to its place, half empty. */
  async #renamed(from: string): Promise<string> {
    const to = at(this.#folder, newTemporaryName("stage"))
    try {
      await this.#files.rename(from, to)
      return to
    } catch (error) {
      if (hasErrno(error, "EXDEV")) return from
      throw error
    }
  }
}

/** Removes a file, or a folder with all that is in it, and again as long as somebody who was about to puts more there. */
async function removeTree(files: FileApi, path: string): Promise<void> {
  for (let again = 3; ; again--) {
    try {
      // Of the name itself: a link is removed, never followed.
      const info = await lookUp(files, path)
      if (info === undefined) return
      if (!info.isDirectory()) return await files.unlink(path)
      for (const name of await files.readdir(path)) await removeTree(files, at(path, name))
      return await files.rmdir(path)
    } catch (error) {
      if (hasErrno(error, "ENOENT")) return
      if (again === 0 || !hasErrno(error, "ENOTEMPTY", "EEXIST")) throw error
    }
  }
}
