import type { ObjectMeta } from "@ckpt/core"
import { mapConcurrently } from "../files/concurrency.js"
import { hasErrno, throwIfAborted } from "../files/errors.js"
import { lookUp, metaOf } from "../files/file-info.js"
import { at, prefixFolders, whyNotAName } from "../files/paths.js"
import { linked, type Root } from "../files/root.js"

const atOnce = 32

interface Walk {
  readonly root: Root
  readonly prefix: string
  readonly folders: readonly string[]
  readonly signal: AbortSignal | undefined
}

/**
 * What is listed:
 * - a regular file as its key;
 * - a directory with nothing to list in it, from the second level on, as a name that is taken. The first level is the
 *   store's own folder, not a name in it;
 * - anything else (a symbolic link, a pipe) as a name that is taken.
 * A name that is taken has a "/" at the end on the first two levels, where the names of checkpoints are. Deeper, where
 * files are, it has none, size 0 and no content: so `checkpoint_000005/manifest.json` that is a link is found and, when
 * it is read, is `damaged`, instead of being passed over as if it were missing.
 *
 * Names that cannot be keys (not UTF-8, control characters) are not ours and not listed.
 */
export async function* listObjects(
  root: Root,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectMeta> {
  const walk: Walk = { root, prefix, folders: prefixFolders(prefix), signal }
  const real = await root.resolve()
  if (real === undefined) return
  // The second level is streamed; below it, the few files of one checkpoint are collected.
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

/** Names in the directory that can be keys; `undefined` if it is gone. Where the prefix names the next folder, only that. */
async function namesIn({ root, folders, signal }: Walk, path: string, depth: number): Promise<string[] | undefined> {
  throwIfAborted(signal)
  const next = folders[depth]
  if (next !== undefined) return [next]
  try {
    return (await root.files.readdir(path)).filter((name) => whyNotAName(name) === undefined)
  } catch (error) {
    // Removed, or replaced by a file, since it was seen.
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined
    throw error
  }
}

function* groups(names: readonly string[]): Generator<string[]> {
  for (let start = 0; start < names.length; start += atOnce) yield names.slice(start, start + atOnce)
}

/** All that is listed of one name; `"folder"` for a folder that the caller wants to go through itself. */
async function visit(
  walk: Walk,
  path: string,
  key: string,
  depth: number,
  foldersLater = false,
): Promise<ObjectMeta[] | "folder"> {
  const { prefix } = walk
  // Neither on the way to the prefix nor under it.
  if (!key.startsWith(prefix) && !prefix.startsWith(`${key}/`)) return []
  const info = await lookUp(walk.root.files, path)
  if (info === undefined) return []
  if (info.isFile()) return key.startsWith(prefix) ? [metaOf(key, info)] : []
  if (info.isSymbolicLink() && depth === 0 && prefix.startsWith(`${key}/`)) throw linked(path, depth)

  const marker = { ...metaOf(depth < 2 ? `${key}/` : key, info), size: 0 }
  const shown = marker.key.startsWith(prefix) ? [marker] : []
  if (!info.isDirectory()) return shown
  if (foldersLater) return "folder"
  const names = await namesIn(walk, path, depth + 1)
  if (names === undefined) return []
  const lists = await mapConcurrently(names, (name) => visit(walk, at(path, name), `${key}/${name}`, depth + 1), atOnce)
  const found = lists.flatMap((list) => (list === "folder" ? [] : list))
  return found.length > 0 ? found : shown
}
