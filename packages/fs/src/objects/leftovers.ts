import type { BigIntStats } from "node:fs"
import type { Leftover } from "@ckpt/core"
import type { Access } from "../claim/fence.js"
import { Trash } from "../claim/trash.js"
import { failure, hasErrno, throwIfAborted } from "../files/errors.js"
import { lookUp, namesIn } from "../files/file-info.js"
import { at, isTemporaryName, prefixFolders } from "../files/paths.js"
import type { Root } from "../files/root.js"

export interface LeftoverOptions {
  olderThanMs: number
  prefix: string
  dryRun?: boolean | undefined
  signal?: AbortSignal | undefined
}

/**
 * Finds and removes the temporary files and stages of processes that were killed. Younger ones may belong to a save
 * under way, and stay.
 */
export async function findLeftovers(access: Access, options: LeftoverOptions): Promise<Leftover[]> {
  prefixFolders(options.prefix)
  throwIfAborted(options.signal)
  const real = await access.root.resolve()
  const found: Leftover[] = []
  if (real !== undefined) await new Search(access, real, options, found).in([])
  return found
}

class Search {
  readonly #access: Access
  readonly #real: string
  readonly #options: LeftoverOptions
  readonly #found: Leftover[]

  constructor(access: Access, real: string, options: LeftoverOptions, found: Leftover[]) {
    this.#access = access
    this.#real = real
    this.#options = options
    this.#found = found
  }

  async in(folders: readonly string[]): Promise<void> {
    const { prefix, signal } = this.#options
    const { root } = this.#access
    const path = folders.reduce(at, this.#real)
    const doomed: { name: string; path: string; since: Date }[] = []
    for (const entry of await namesIn(root.files, path)) {
      throwIfAborted(signal)
      const name = [...folders, entry].join("/")
      const child = at(path, entry)
      const temporary = isTemporaryName(entry)
      if (temporary ? !name.startsWith(prefix) : !name.startsWith(prefix) && !prefix.startsWith(`${name}/`)) continue
      const info = await lookUp(root.files, child)
      if (info === undefined) continue
      if (!temporary) {
        if (info.isDirectory()) await this.in([...folders, entry])
        continue
      }
      const since = await latestMtime(root, child, info)
      if (Date.now() - since.getTime() > this.#options.olderThanMs) doomed.push({ name, path: child, since })
    }
    if (this.#options.dryRun) this.#found.push(...doomed.map(({ name, since }) => ({ name, since })))
    else if (doomed.length > 0) await this.#remove(folders, doomed)
  }

  /** Goes through `Trash`: a superseded writer must not take away the temporary names that its successor uses. */
  async #remove(folders: readonly string[], doomed: readonly { name: string; path: string; since: Date }[]) {
    let trash: Trash | undefined
    let refused: { error: unknown } | undefined
    try {
      trash = await Trash.open(this.#access, this.#real, folders)
    } catch (error) {
      if (hasErrno(error, "ENOENT")) return
      refused = { error }
    }
    for (const { name, path, since } of doomed) {
      try {
        if (trash === undefined) throw refused?.error
        if (await trash.take(path)) this.#found.push({ name, since })
      } catch (error) {
        const why = failure(error, "remove the leftover", path)
        if (why.kind === "fenced") throw why
        this.#found.push({ name, since, error: why })
      }
    }
    await trash?.empty()
  }
}

/**
 * A stage is as young as the youngest file in it, since the directory itself does not change while a long state is
 * written.
 */
async function latestMtime(root: Root, path: string, info: BigIntStats): Promise<Date> {
  let latest = info.mtime
  if (!info.isDirectory()) return latest
  for (const name of await namesIn(root.files, path)) {
    const inside = await lookUp(root.files, at(path, name))
    if (inside !== undefined && inside.mtime > latest) latest = inside.mtime
  }
  return latest
}
