import type { BigIntStats } from "node:fs"
import type { Leftover } from "@ckpt/core"
import { lookUp } from "./file-info.js"
import { failure, hasErrno, throwIfAborted } from "./fs-errors.js"
import { at, isTemporaryName, prefixFolders } from "./paths.js"
import type { Root } from "./root.js"

export interface LeftoverOptions {
  olderThanMs: number
  prefix: string
  dryRun?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** Temporary files and stages of processes that were killed. Theirs alone: younger ones may belong to a save under way. */
export async function findLeftovers(root: Root, options: LeftoverOptions): Promise<Leftover[]> {
  prefixFolders(options.prefix)
  throwIfAborted(options.signal)
  const real = await root.resolve()
  const found: Leftover[] = []
  if (real !== undefined) await search(root, real, "", options, found)
  return found
}

async function search(
  root: Root,
  path: string,
  above: string,
  options: LeftoverOptions,
  found: Leftover[],
): Promise<void> {
  const { prefix, signal } = options
  for (const entry of await namesIn(root, path)) {
    throwIfAborted(signal)
    const name = above + entry
    const child = at(path, entry)
    const temporary = isTemporaryName(entry)
    if (temporary ? !name.startsWith(prefix) : !name.startsWith(prefix) && !prefix.startsWith(`${name}/`)) continue
    const info = await lookUp(root.files, child)
    if (info === undefined) continue
    if (temporary) await judge(root, child, name, info, options, found)
    else if (info.isDirectory()) await search(root, child, `${name}/`, options, found)
  }
}

async function judge(
  root: Root,
  path: string,
  name: string,
  info: BigIntStats,
  options: LeftoverOptions,
  found: Leftover[],
): Promise<void> {
  const since = await newestMtime(root, path, info)
  if (Date.now() - since.getTime() <= options.olderThanMs) return
  if (options.dryRun) {
    found.push({ name, since })
    return
  }
  try {
    await removeTree(root, path, info)
    found.push({ name, since })
  } catch (error) {
    found.push({ name, since, error: failure(error, "remove the leftover", path) })
  }
}

/** A stage is as young as the youngest file in it: the directory itself does not change while a long state is written. */
async function newestMtime(root: Root, path: string, info: BigIntStats): Promise<Date> {
  let newest = info.mtime
  if (!info.isDirectory()) return newest
  for (const name of await namesIn(root, path)) {
    const inside = await lookUp(root.files, at(path, name))
    if (inside !== undefined && inside.mtime > newest) newest = inside.mtime
  }
  return newest
}

async function removeTree(root: Root, path: string, info: BigIntStats): Promise<void> {
  try {
    // `info` is of the name itself: a link is removed, never followed.
    if (!info.isDirectory()) return await root.files.unlink(path)
    for (const name of await namesIn(root, path)) {
      const inside = await lookUp(root.files, at(path, name))
      if (inside !== undefined) await removeTree(root, at(path, name), inside)
    }
    await root.files.rmdir(path)
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error
  }
}

async function namesIn(root: Root, path: string): Promise<string[]> {
  try {
    return await root.files.readdir(path)
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return []
    throw error
  }
}
