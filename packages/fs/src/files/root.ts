import { dirname, resolve } from "node:path"
import { BackendError } from "@ckpt/core"
import { hasErrno } from "./errors.js"
import type { FileApi } from "./file-api.js"
import { damaged, kindOf, lookUp } from "./file-info.js"
import { at } from "./paths.js"

/** The folder that holds the store. It may be a symbolic link, and it may not exist yet. `Directories` creates it. */
export class Root {
  /** The path as given, made absolute: a later `process.chdir` changes nothing. */
  readonly path: string
  readonly files: FileApi
  #last: string | undefined

  constructor(path: string, files: FileApi) {
    if (typeof path !== "string" || path === "" || path.includes("\0")) {
      throw new BackendError("permanent", `cannot use ${JSON.stringify(path)} as the root: give the path of a folder.`)
    }
    this.path = resolve(path)
    this.files = files
  }

  /** The real path that was found last: a guess at the current one. */
  get last(): string | undefined {
    return this.#last
  }

  /**
   * The real path, or `undefined` if there is no such folder. The system is asked anew each time, so that a folder which is
   * created, moved or unmounted meanwhile is noticed. ENOENT means "nothing there", unless a dangling link causes it. Any
   * other failure is an outage.
   */
  async resolve(): Promise<string | undefined> {
    let real: string
    // At the same time as `realpath`: it is the look at the real path too, unless there is a link on the way.
    const looked = lookUp(this.files, this.path)
    looked.catch(() => undefined)
    try {
      real = await this.files.realpath(this.path)
    } catch (error) {
      if (!hasErrno(error, "ENOENT")) throw error
      await this.#refuseDanglingLink()
      return undefined
    }
    const info = await (real === this.path ? looked : lookUp(this.files, real))
    if (info === undefined) return undefined
    if (!info.isDirectory()) {
      throw new BackendError(
        "permanent",
        `the root ${this.path} is ${kindOf(info)}, not a folder. Give another path, or move it away.`,
      )
    }
    this.#last = real
    return real
  }

  /** A dangling link may lead to an unmounted disk. That is an outage, and an outage is never an empty store. */
  async #refuseDanglingLink(): Promise<void> {
    for (let path = this.path; ; path = dirname(path)) {
      const info = await lookUp(this.files, path)
      if (info?.isSymbolicLink()) {
        // The target may have been made between the two calls; or the link is fine, and only a level below it is missing.
        const target = await this.files.stat(path, { bigint: true }).catch((error: unknown) => {
          if (hasErrno(error, "ENOENT")) return undefined
          throw error
        })
        if (target !== undefined) return
        throw new BackendError(
          "permanent",
          `${path} is a symbolic link to something that does not exist. Mount or create its target, or remove the link.`,
        )
      }
      if (info !== undefined || dirname(path) === path) return
    }
  }

  /**
   * The path of a key, below `real`; `undefined` if a folder on the way does not exist. A symbolic link on the way is
   * refused: the place behind it is not part of the store, and neither the root's lock nor a sync would cover it.
   */
  async locate(real: string, segments: readonly string[]): Promise<string | undefined> {
    let path = real
    for (const [depth, segment] of segments.entries()) {
      path = at(path, segment)
      if (depth === segments.length - 1) break
      const info = await lookUp(this.files, path)
      if (info?.isSymbolicLink()) throw linked(path, depth)
      if (!info?.isDirectory()) return undefined
    }
    return path
  }
}

/** The error for a symbolic link where a folder belongs, `depth` levels below the root. */
export function linked(path: string, depth: number): BackendError {
  if (depth > 0) return damaged(path, "a symbolic link", "a folder")
  return new BackendError(
    "permanent",
    `${path} is a symbolic link, and links below the root are never followed. Point the root at the real folder instead.`,
  )
}
