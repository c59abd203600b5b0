import type { BigIntStats } from "node:fs"
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
  readonly #mustExist: boolean
  #last: string | undefined
  /** The looks of readers that are under way, by what is looked for. */
  readonly #looks = new Map<string, Promise<unknown>>()
  /** The folders that were found last: the root under the name "", and the folders in it. Name → which folder it is. */
  readonly #seen = new Map<string, string>()
  /** Those of them that held something of this store: they must not be others later. */
  readonly #ours = new Map<string, string>()

  /** @param mustExist a folder that does not exist is an outage, also before anything was written */
  constructor(path: string, files: FileApi, mustExist = false) {
    this.path = resolve(path)
    this.files = files
    this.#mustExist = mustExist
  }

  /**
   * The root and the first of `folders` below it, as they were found last, hold something of this store. From now on their
   * absence, or another folder in their place, is an outage: a volume that was unmounted leaves an empty mount point, and a save into that would be
   * acknowledged and gone.
   *
   * Only the first level is held: this package never removes a folder of it, but those below when they are empty.
   */
  hold(folders: readonly string[]): void {
    for (const name of ["", ...folders.slice(0, 1)]) {
      const seen = this.#seen.get(name)
      if (seen !== undefined && !this.#ours.has(name)) this.#ours.set(name, seen)
    }
  }

  /**
   * To be called with what was found under the name of a folder in the root, which may be nothing.
   *
   * @throws {BackendError} `transient` if a folder was held there, and this is another or none
   */
  watch(name: string, info: BigIntStats | undefined): void {
    // Inode and device alone: in a container, the first write to a folder of the image copies it, with a new time of birth. An
    // inode that is used again for a new root shows by the folders that are missing in it.
    const found = info?.isDirectory() ? `${info.dev}-${info.ino}` : undefined
    const ours = this.#ours.get(name)
    if (ours !== undefined && found !== ours) throw this.#gone(name, found)
    if (found !== undefined) this.#seen.set(name, found)
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
      return this.#nothing()
    }
    const info = await (real === this.path ? looked : lookUp(this.files, real))
    if (info === undefined) return this.#nothing()
    if (!info.isDirectory()) {
      throw new BackendError(
        "permanent",
        `the root ${this.path} is ${kindOf(info)}, not a folder. Give another path, or move it away.`,
      )
    }
    this.watch("", info)
    this.#last = real
    return real
  }

  #nothing(): undefined {
    this.watch("", undefined)
    if (!this.#mustExist) return undefined
    throw new BackendError("permanent", `the root ${this.path} does not exist. Mount or create it.`)
  }

  #gone(name: string, found: string | undefined): BackendError {
    const path = name === "" ? this.path : at(this.path, name)
    const now = found === undefined ? "no folder is there" : "another folder is in its place"
    const message = `the folder that this store wrote to or read from, ${path}, is gone (${now}): was it unmounted, moved or removed?`
    return new BackendError("transient", `${message} Bring it back, or open the store again.`)
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
   * The path of a key, for a reader: {@link resolve} and {@link locate} at once. The root is nearly always where it was last, so the
   * folders there are looked at while the root is resolved. Readers at the same time share their looks.
   */
  async find(segments: readonly string[]): Promise<string | undefined> {
    const look = (path: string) => this.#shared(`look ${path}`, () => lookUp(this.files, path))
    const last = this.#last
    const early = last === undefined ? undefined : lookAlong(last, segments, look)
    const real = await this.#shared("resolve", () => this.resolve())
    if (real === undefined) return undefined
    const looks = await (real === last && early !== undefined ? early : lookAlong(real, segments, look))
    return this.#judge(real, segments, looks)
  }

  /** What a look that is under way finds. If that is nothing, a new look: the other one may have come before the folder was made. */
  async #shared<T>(what: string, look: () => Promise<T | undefined>): Promise<T | undefined> {
    const underWay = this.#looks.get(what) as Promise<T | undefined> | undefined
    if (underWay !== undefined) return (await underWay) ?? (await look())
    const own = look()
    this.#looks.set(what, own)
    // Shared by those who ask in this turn alone: a look that hangs must not keep later readers waiting.
    setImmediate(() => this.#looks.delete(what))
    return own
  }

  /**
   * The path of a key, below `real`; `undefined` if a folder on the way does not exist, or if a file is there, below the first
   * level: `a/b` is an object then, and `a/b/c` is none. Anything else on the way is refused.
   */
  async locate(real: string, segments: readonly string[]): Promise<string | undefined> {
    return this.#judge(real, segments, await lookAlong(real, segments, (path) => lookUp(this.files, path)))
  }

  /** The first folder that is none decides: a look at a name below it means nothing. */
  #judge(real: string, segments: readonly string[], looks: readonly Look[]): string | undefined {
    let path = real
    for (const [depth, segment] of segments.entries()) {
      path = at(path, segment)
      const look = looks[depth]
      if (look === undefined) break
      if (look.status === "rejected") throw look.reason
      const info = look.value
      if (depth === 0) this.watch(segment, info)
      if (info === undefined || (depth > 0 && info.isFile())) return undefined
      assertFolder(path, info, depth)
    }
    return path
  }
}

/** What was found under a name, or why nobody knows. */
type Look = PromiseSettledResult<BigIntStats | undefined>

/** Looks at each folder on the way to a key. */
function lookAlong(
  real: string,
  segments: readonly string[],
  look: (path: string) => Promise<BigIntStats | undefined>,
): Promise<Look[]> {
  let path = real
  const looks = segments.slice(0, -1).map((folder) => {
    path = at(path, folder)
    return look(path)
  })
  return Promise.allSettled(looks)
}

/**
 * Throws unless a folder is where a folder belongs, `depth` levels below the root. On the first level that is a failure of the
 * whole store; below it, the damage of the objects that should be there. A link is never followed: the place behind it is not
 * part of the store, and neither the root's lock nor a sync would cover it.
 */
export function assertFolder(path: string, info: BigIntStats, depth: number): void {
  if (info.isDirectory()) return
  if (depth > 0) throw damaged(path, kindOf(info), "a folder")
  const message = info.isSymbolicLink()
    ? "a symbolic link, and links below the root are never followed. Point the root at the real folder instead."
    : `${kindOf(info)}, not a folder of a store. It was left alone: move it away, or bring the folder back.`
  throw new BackendError("permanent", `${path} is ${message}`)
}
