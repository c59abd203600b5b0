import type { ListRangeOptions, ObjectMeta } from "@ckpt/core"
import { byUtf8, mapConcurrently } from "@ckpt/core/adapter"
import { throwIfAborted } from "../files/errors.js"
import { lookUp } from "../files/file-info.js"
import { at, prefixFolders } from "../files/paths.js"
import type { Root } from "../files/root.js"
import { atOnce, look, type Name, namesIn, taken, type Walk } from "./list.js"

interface OrderedWalk extends Walk {
  readonly after: string
  readonly limit: number
  /** How many entries were given. */
  given: number
}

/**
 * As `listObjects`, in the order of the keys: folder by folder, each read when its turn comes. It looks at no more names than it
 * gives, but reads all names of a folder. A folder with nothing to list in it ends with "/" on every level, since that is its place.
 */
export async function* listInOrder(
  root: Root,
  prefix: string,
  { after = "", limit = Number.POSITIVE_INFINITY, signal }: ListRangeOptions,
): AsyncGenerator<ObjectMeta> {
  const walk: OrderedWalk = { root, prefix, folders: prefixFolders(prefix), signal, after, limit, given: 0 }
  const real = await root.resolve()
  if (real !== undefined) yield* inFolder(walk, real, "", 0)
}

/** @param base what the keys in this folder begin with */
async function* inFolder(walk: OrderedWalk, path: string, base: string, depth: number): AsyncGenerator<ObjectMeta> {
  const isOnTheWay = walk.folders[depth] !== undefined
  const names = ordered(walk, (await namesIn(walk, path, depth)) ?? [], base, depth)
  for (let from = 0; from < names.length && walk.given < walk.limit; ) {
    const group = names.slice(from, from + together(names, from, walk.limit - walk.given))
    from += group.length
    const kinds = await mapConcurrently(
      group,
      async ({ name, isFolder }) => (isFolder ? "folder" : look(walk, at(path, name), base + name, depth)),
      atOnce,
    )
    for (const [index, { name, isFolder }] of group.entries()) {
      const found = kinds[index] ?? []
      if (found !== "folder") yield* counted(walk, found)
      // Otherwise it took the place of a file since the names were read. All in it is newer, and has another place.
      else if (isFolder || isOnTheWay) yield* below(walk, at(path, name), base + name, depth)
    }
    throwIfAborted(walk.signal)
  }
}

async function* below(walk: OrderedWalk, path: string, key: string, depth: number): AsyncGenerator<ObjectMeta> {
  const before = walk.given
  yield* inFolder(walk, path, `${key}/`, depth + 1)
  // Nothing came of a folder that lies behind `after` as a whole: it is empty, and takes a name.
  if (walk.given > before || depth === 0 || byUtf8(`${key}/`, walk.after) <= 0) return
  const info = await lookUp(walk.root.files, path)
  // As on the first two levels. A file that took the folder's place is newer, and has another place.
  if (info?.isDirectory()) yield* counted(walk, taken(walk, key, info, 0))
}

function* counted(walk: OrderedWalk, found: readonly ObjectMeta[]): Generator<ObjectMeta> {
  for (const meta of found) {
    if (walk.given === walk.limit || byUtf8(meta.key, walk.after) <= 0) continue
    walk.given++
    yield meta
  }
}

/** The names that may have to do with the range, in order. All keys in a folder begin with its name and "/". */
function ordered({ prefix, folders, after }: OrderedWalk, names: readonly Name[], base: string, depth: number): Name[] {
  // The only name that the prefix allows.
  if (folders[depth] !== undefined) return [...names]
  return names
    .map((name) => ({ name, text: `${base}${name.name}${name.isFolder ? "/" : ""}` }))
    .filter(({ text }) => text.startsWith(prefix))
    .filter(({ name, text }) => byUtf8(text, after) > 0 || (name.isFolder && after.startsWith(text)))
    .sort((a, b) => byUtf8(a.text, b.text))
    .map(({ name }) => name)
}

/** How many names from here on can be looked at together: one folder, or files that follow each other. */
function together(names: readonly Name[], from: number, left: number): number {
  const most = Math.min(atOnce, left)
  let count = 1
  if (names[from]?.isFolder) return count
  while (count < most && names[from + count]?.isFolder === false) count++
  return count
}
