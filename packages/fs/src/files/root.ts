import { dirname, resolve } from "node:path"
import { BackendError } from "@ckpt/core"
import { hasErrno } from "./errors.js"
import type { FileApi } from "./file-api.js"
import { damaged, kindOf, lookUp } from "./file-info.js"
import { at } from "./paths.js"

/** The folder that holds the store. It may be a symbolic link, and it may not exist yet; nothing here creates it. */
export class Root {
  /** As given, absolute: a later `process.chdir` changes nothing. */
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

  /** The real path as it was found last: a guess. */
  get last(): string | undefined {
    return this.#last
  }

  /**
   * The real path, or `undefined` if there is no such folder. Asked anew each time: a folder that is created, moved or
   * unmounted meanwhile is seen. ENOENT of the root alone means "nothing there"; any other failure is one.
   */
  async resolve(): Promise<string | undefined> {
    let real: string
    // At the same time: it is the answer wherever no link is on the way.
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

  /** A link to an unmounted disk is an outage, and an outage is never an empty store. */
  async #refuseDanglingLink(): Promise<void> {
    for (let path = this.path; ; path = dirname(path)) {
      const info = await lookUp(this.files, path)
      if (info?.isSymbolicLink()) {
        // It may have been made between the two calls, or lead to the very level below it that is missing.
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
   * The path of a key, below `real`; `undefined` if a folder on the way does not exist. No symbolic link is followed on
   * the way: what is behind it is not ours, and a lock or a sync on this side would not cover it.
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

/** What to say of a symbolic link where a folder belongs, `depth` levels below the root. */
export function linked(path: string, depth: number): BackendError {
  if (depth > 0) return damaged(path, "a symbolic link", "a folder")
  return new BackendError(
    "permanent",
    `${path} is a symbolic link, and links below the root are never followed. Point the root at the real folder instead.`,
  )
}
