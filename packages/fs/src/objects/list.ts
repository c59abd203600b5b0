import type { ObjectMeta } from "@ckpt/core"
import { mapConcurrently } from "@ckpt/core/adapter"
import { hasErrno, throwIfAborted } from "../files/errors.js"
import { lookUp, metaOf } from "../files/file-info.js"
import { at, prefixFolders, whyNotAName } from "../files/paths.js"
import { assertFolder, type Root } from "../files/root.js"

const atOnce = 32

interface Walk {
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
  for (const name of (await namesIn(walk, real, 0)) ?? []) {
    const folder = at(real, name)
    const found = await visit(walk, folder, name, 0, true)
    if (found !== "folder") {
      yield* found
      continue
    }
    for (const group of groups((await namesIn(walk, folder, 1)) ?? [])) {
      const lists = await mapConcurrently(
        group,
        (child) => visit(walk, at(folder, child), `${name}/${child}`, 1),
        atOnce,
      )
      for (const list of lists) if (list !== "folder") yield* list
      throwIfAborted(signal)
    }
  }
}

/**
 * The names in a directory that can be keys; `undefined` if it is gone. If the prefix says the next folder, only that
 * name.
 */
async function namesIn({ root, folders, signal }: Walk, path: string, depth: number): Promise<string[] | undefined> {
  throwIfAborted(signal)
  const next = folders[depth]
  if (next !== undefined) return [next]
  try {
    return (await root.files.readdir(path)).filter((name) => whyNotAName(name) === undefined)
  } catch (error) {
    // The directory was removed, or replaced by a file, since the look.
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined
    throw error
  }
}

function* groups(names: readonly string[]): Generator<string[]> {
  for (let start = 0; start < names.length; start += atOnce) yield names.slice(start, start + atOnce)
}

/** Everything to list at one name and below it; `"folder"` for a folder, if the caller goes through folders itself. */
async function visit(
  walk: Walk,
  path: string,
  key: string,
  depth: number,
  foldersLater = false,
): Promise<ObjectMeta[] | "folder"> {
  const { prefix } = walk
  // The name is neither on the way to the prefix nor under it.
  if (!key.startsWith(prefix) && !prefix.startsWith(`${key}/`)) return []
  const info = await lookUp(walk.root.files, path)
  if (depth === 0 && prefix.startsWith(`${key}/`)) walk.root.watch(key, info)
  if (info === undefined) return []
  // A whole folder of the prefix: without it, "nothing is there" would be a fresh start.
  if (prefix.startsWith(`${key}/`)) assertFolder(path, info, 0)
  if (info.isFile()) return key.startsWith(prefix) ? [metaOf(key, info)] : []

  const marker = { ...metaOf(info.isDirectory() && depth < 2 ? `${key}/` : key, info), size: 0 }
  const shown = marker.key.startsWith(prefix) ? [marker] : []
  if (!info.isDirectory()) return shown
  if (foldersLater) return "folder"
  const names = await namesIn(walk, path, depth + 1)
  if (names === undefined) return []
  const lists = await mapConcurrently(names, (name) => visit(walk, at(path, name), `${key}/${name}`, depth + 1), atOnce)
  const found = lists.flatMap((list) => (list === "folder" ? [] : list))
  return found.length > 0 ? found : shown
}
