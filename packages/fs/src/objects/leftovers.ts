import type { BigIntStats } from "node:fs"
import type { Leftover, LeftoverOptions } from "@ckpt/core"
import { isDue, mapConcurrently } from "@ckpt/core/adapter"
import type { Access } from "../claim/fence.js"
import { Trash } from "../claim/trash.js"
import { failure, hasErrno, throwIfAborted } from "../files/errors.js"
import { entriesIn, lookUp, namesIn } from "../files/file-info.js"
import { at, isTemporaryName, isWriterSign, prefixFolders, writerOf } from "../files/paths.js"
import type { Root } from "../files/root.js"
import { rootState } from "../files/root-lock.js"

/**
 * Finds and removes the temporary files and stages of processes that were killed. Their names tell the process that made them.
 * If it has ended, they go at once; if it lives, they stay: a source may be silent for an hour. If nothing can be known of it,
 * their age decides.
 *
 * @param timeOf gives the time by the clock of a folder
 */
export async function findLeftovers(access: Access, options: LeftoverOptions, timeOf: TimeOf): Promise<Leftover[]> {
  prefixFolders(options.prefix)
  throwIfAborted(options.signal)
  const real = await access.root.resolve()
  const found: Leftover[] = []
  if (real !== undefined) await new Search(access, real, options, timeOf, found).in([])
  return found
}

type TimeOf = (folder: string) => Promise<Date>

interface Doomed {
  readonly name: string
  readonly path: string
  readonly since: Date
}

class Search {
  readonly #access: Access
  readonly #real: string
  readonly #options: LeftoverOptions
  readonly #timeOf: TimeOf
  readonly #found: Leftover[]
  /** Asked at the first leftover whose age decides. */
  #now: Promise<Date> | undefined

  constructor(access: Access, real: string, options: LeftoverOptions, timeOf: TimeOf, found: Leftover[]) {
    this.#access = access
    this.#real = real
    this.#options = options
    this.#timeOf = timeOf
    this.#found = found
  }

  async in(folders: readonly string[]): Promise<void> {
    const { prefix, signal, dryRun } = this.#options
    const { files } = this.#access.root
    const path = folders.reduce(at, this.#real)
    const doomed: Doomed[] = []
    await mapConcurrently(await entriesIn(files, path), async (entry) => {
      throwIfAborted(signal)
      const name = [...folders, entry.name].join("/")
      const temporary = isTemporaryName(entry.name)
      if (!name.startsWith(prefix) && (temporary || !prefix.startsWith(`${name}/`))) return
      if (!temporary) {
        if (entry.isDirectory()) await this.in([...folders, entry.name])
        return
      }
      const child = at(path, entry.name)
      const info = await lookUp(files, child)
      // Whatever else has such a name was not made by this package.
      if (info === undefined || (!info.isFile() && !info.isDirectory())) return
      const since = await latestMtime(this.#access.root, child, info)
      if (await this.#isDoomed(folders, entry.name, since)) doomed.push({ name, path: child, since })
    })
    if (dryRun) this.#found.push(...doomed.map(({ name, since }) => ({ name, since })))
    else if (doomed.length > 0) await this.#remove(folders, doomed)
  }

  async #isDoomed(folders: readonly string[], entry: string, since: Date): Promise<boolean> {
    const writer = writerOf(entry)
    if (writer === "ended") return true
    const isInUse = isWriterSign(entry) || rootState(this.#real).writers > 0
    if (writer === "lives" || (writer === "this" && isInUse)) return false
    const { olderThanMs, mayGo } = this.#options
    if (olderThanMs === Number.POSITIVE_INFINITY || mayGo?.(`${folders.join("/")}/`, since) === false) return false
    this.#now ??= this.#timeOf(folders.reduce(at, this.#real))
    return isDue((await this.#now).getTime() - since.getTime(), olderThanMs)
  }

  /** Goes through `Trash`: a superseded writer must not take away the temporary names that its successor uses. */
  async #remove(folders: readonly string[], doomed: readonly Doomed[]) {
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
