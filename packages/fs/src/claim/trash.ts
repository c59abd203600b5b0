import { BackendError } from "@ckpt/core"
import { hasErrno } from "../files/errors.js"
import type { FileApi } from "../files/file-api.js"
import { lookUp } from "../files/file-info.js"
import { at, newTemporaryName } from "../files/paths.js"
import type { Access } from "./fence.js"

/**
 * Removes names from one folder, in the three steps of a writer (see claim.ts): it makes a temporary folder, looks, and
 * renames each name into that folder. A claimer's sweep takes the temporary folder away, and then no rename into it
 * succeeds. The temporary folder lies in the folder that it removes from, so a claim of that folder, or of one above,
 * sweeps it.
 */
export class Trash {
  readonly #access: Access
  readonly #real: string
  readonly #folders: readonly string[]
  readonly #folder: string
  /** `undefined` if the disk is too full for one more folder. */
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

  /** The temporary folder. It is in use, so it is no leftover. */
  get path(): string | undefined {
    return this.#path
  }

  /** Takes away the name of a file or folder; false if it is not there. Rejects with `fenced` if a claim came first. */
  async take(from: string): Promise<boolean> {
    if (this.#path === undefined) return this.#takeInPlace(from)
    try {
      await this.#files.rename(from, at(this.#path, String(this.#taken++)))
      return true
    } catch (error) {
      // On an overlay filesystem, a folder of a lower layer cannot be renamed.
      if (hasErrno(error, "EXDEV")) return this.#takeInPlace(from)
      if (!hasErrno(error, "ENOENT")) throw error
      if ((await lookUp(this.#files, this.#path)) !== undefined) return false
      await this.#check()
      throw new BackendError("transient", `${this.#path} was removed while it was used: try again.`, { cause: error })
    }
  }

  /** Frees the room on the disk. `leftovers` finds whatever cannot be removed now. */
  async empty(): Promise<void> {
    const path = this.#path
    if (path === undefined) return
    for (let n = 0; n < this.#taken; n++) {
      const taken = at(path, String(n))
      await this.#files.unlink(taken).catch((error: unknown) => {
        // The name is a folder: EISDIR on Linux, EPERM elsewhere.
        if (hasErrno(error, "EISDIR", "EPERM")) return this.#emptyTree(taken)
        return undefined
      })
    }
    await this.#files.rmdir(path).catch(() => undefined)
  }

  async #emptyTree(taken: string): Promise<void> {
    if (await removeTree(this.#files, taken).catch(() => false)) return
    // It goes back beside this folder: otherwise it would lie one folder deeper after each claim.
    await this.#files.rename(taken, at(this.#folder, newTemporaryName("stage"))).catch(() => undefined)
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
      // The caller may remove names to make room on a full disk, so it goes on without a folder, in place. The price: a
      // claim that comes exactly between the look and the removal does not stop that one removal.
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

  /** Renames a folder before it is emptied: under its old name its writer could still move it into place, half empty. */
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

/**
 * Removes a file, or a folder with its content; false if something of it stays. Tries again while a late writer still puts files
 * into the folder. A link, a pipe or a device was not made by this package: it stays, with the folders that it is in.
 */
async function removeTree(files: FileApi, path: string): Promise<boolean> {
  for (let again = 3; ; again--) {
    try {
      // The look is at the name itself: a link is never followed.
      const info = await lookUp(files, path)
      if (info === undefined) return true
      if (!info.isFile() && !info.isDirectory()) return false
      if (info.isFile()) {
        await files.unlink(path)
        return true
      }
      let isEmpty = true
      for (const { name } of await files.readdir(path, { withFileTypes: true }))
        isEmpty = (await removeTree(files, at(path, name))) && isEmpty
      if (isEmpty) await files.rmdir(path)
      return isEmpty
    } catch (error) {
      if (hasErrno(error, "ENOENT")) return true
      if (again === 0 || !hasErrno(error, "ENOTEMPTY", "EEXIST")) throw error
    }
  }
}
