import type { BigIntStats } from "node:fs"
import type { ObjectMeta } from "@ckpt/core"
import { mapConcurrently } from "@ckpt/core/adapter"
import { hasErrno, throwIfAborted } from "../files/errors.js"
import { lookUp, metaOf } from "../files/file-info.js"
import { at, prefixFolders, whyNotAName } from "../files/paths.js"
import { assertFolder, type Root } from "../files/root.js"

/** Names that are looked at together. */
export const atOnce = 32

export interface Walk {
  readonly root: Root
  readonly prefix: string
  readonly folders: readonly string[]
  readonly signal: AbortSignal | undefined
}

/**
 * Lists:
 * - a regular file as its key;
 * - a directory with nothing to list in it as a taken name, from the second level on. (The first level is the store's own
 *   folder, and no name in it.)
 * - anything else (a symbolic link, a pipe, a device) as its key, like a file without content. Example: if
 *   `manifests/manifest-000005.json` is a link, it is listed, and reading it says `damaged`. Otherwise the checkpoint would be
 *   passed over as if it had never been there.
 *
 * A taken name has size 0. On the first two levels, where the folders of checkpoints are, it ends with "/". Deeper, where files
 * are, it looks like a file without content too.
 *
 * Names that cannot be keys (not UTF-8, control characters) were not made by this package, and are not listed.
 */
export async function* listObjects(
  root: Root,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectMeta> {
  const walk: Walk = { root, prefix, folders: prefixFolders(prefix), signal }
  const real = await root.resolve()
  if (real === undefined) return
  // The second level is streamed. Below it are the few files of one checkpoint, which are collected.
  for (const { name } of (await namesIn(walk, real, 0)) ?? []) {
    const folder = at(real, name)
    const found = await look(walk, folder, name, 0)
    if (found !== "folder") {
      yield* found
      continue
    }
    for (const group of groups((await namesIn(walk, folder, 1)) ?? [])) {
      const lists = await mapConcurrently(group, (child) => visit(walk, folder, name, child, 1), atOnce)
      for (const list of lists) yield* list
      throwIfAborted(signal)
    }
  }
}

export interface Name {
  readonly name: string
  /** The directory says so. False: only a look at the name tells. */
  readonly isFolder: boolean
}

/**
 * The names in a directory that can be keys; `undefined` if it is gone. If the prefix says the next folder, only that
 * name.
 */
export async function namesIn(
  { root, folders, signal }: Walk,
  path: string,
  depth: number,
): Promise<Name[] | undefined> {
  throwIfAborted(signal)
  const next = folders[depth]
  if (next !== undefined) return [{ name: next, isFolder: false }]
  try {
    const entries = await root.files.readdir(path, { withFileTypes: true })
    return entries
      .filter(({ name }) => whyNotAName(name) === undefined)
      .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
  } catch (error) {
    // The directory was removed, or replaced by a file, since the look.
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined
    throw error
  }
}

function* groups(names: readonly Name[]): Generator<Name[]> {
  for (let start = 0; start < names.length; start += atOnce) yield names.slice(start, start + atOnce)
}

/** Everything to list at one name in a folder, and below it. */
async function visit(
  walk: Walk,
  folder: string,
  folderKey: string,
  { name, isFolder }: Name,
  depth: number,
): Promise<ObjectMeta[]> {
  const [path, key] = [at(folder, name), `${folderKey}/${name}`]
  // The name is neither on the way to the prefix nor under it.
  if (!key.startsWith(walk.prefix) && !walk.prefix.startsWith(`${key}/`)) return []
  const seen = isFolder ? "folder" : await look(walk, path, key, depth)
  if (seen !== "folder") return seen
  const names = await namesIn(walk, path, depth + 1)
  if (names === undefined) return []
  const lists = await mapConcurrently(names, (child) => visit(walk, path, key, child, depth + 1), atOnce)
  const found = lists.flat()
  if (found.length > 0) return found
  const info = await lookUp(walk.root.files, path)
  return info === undefined ? [] : taken(walk, key, info, depth)
}

/** What one name is: what to list of it, or a folder. */
export async function look(walk: Walk, path: string, key: string, depth: number): Promise<ObjectMeta[] | "folder"> {
  const { prefix, root } = walk
  const isOnTheWay = prefix.startsWith(`${key}/`)
  if (!key.startsWith(prefix) && !isOnTheWay) return []
  const info = await lookUp(root.files, path)
  if (depth === 0 && isOnTheWay) root.watch(key, info)
  if (info === undefined) return []
  // A whole folder of the prefix: without it, "nothing is there" would be a fresh start.
  if (isOnTheWay) assertFolder(path, info, 0)
  if (info.isDirectory()) return "folder"
  if (!info.isFile()) return taken(walk, key, info, depth)
  return key.startsWith(prefix) ? [metaOf(key, info)] : []
}

/** A name that is taken, but by no object. */
export function taken({ prefix }: Walk, key: string, info: BigIntStats, depth: number): ObjectMeta[] {
  const shown = { ...metaOf(info.isDirectory() && depth < 2 ? `${key}/` : key, info), size: 0 }
  return shown.key.startsWith(prefix) ? [shown] : []
}
