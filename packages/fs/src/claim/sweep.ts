import { BackendError } from "@ckpt/core"
import { mapConcurrently } from "@ckpt/core/adapter"
import { hasErrno, throwIfAborted } from "../files/errors.js"
import { lookUp, namesIn } from "../files/file-info.js"
import { at, claimsName, isTemporaryName } from "../files/paths.js"
import type { Root } from "../files/root.js"
import type { Access } from "./fence.js"
import { Trash } from "./trash.js"

export interface Walk {
  readonly root: Root
  readonly real: string
  readonly signal: AbortSignal | undefined
}

/** Every folder that has claims, from the given folder down. */
export async function claimedFolders(walk: Walk, folders: readonly string[]): Promise<(readonly string[])[]> {
  const found: (readonly string[])[] = []
  await eachFolder(walk, folders, async (here, names) => {
    if (names.includes(claimsName)) found.push(here)
    return names
  })
  return found
}

/**
 * Takes away every temporary name in a folder and below it, whatever its age. A change that was begun before the claim can
 * then no longer be moved into place; a change that is begun after it sees the claim. `claimed` is called for each folder
 * with claims of its own, before that folder is swept.
 */
export async function sweep(
  walk: Walk,
  access: Access,
  folders: readonly string[],
  claimed: (folders: readonly string[]) => Promise<void>,
): Promise<void> {
  await eachFolder(walk, folders, async (here, names) => {
    let found = names
    if (names.includes(claimsName)) {
      await claimed(here)
      // Listed again: temporary names that came since the first listing may be older than the claim that `claimed` made.
      found = await namesAt(walk, here)
      const claims = [...here, claimsName]
      await sweepNames(walk, access, claims, await namesAt(walk, claims))
    }
    await sweepNames(walk, access, here, found)
    return found
  })
}

/** `visit` gets the names in a folder, and returns those to go on with. */
async function eachFolder(
  walk: Walk,
  folders: readonly string[],
  visit: (folders: readonly string[], names: readonly string[]) => Promise<readonly string[]>,
): Promise<void> {
  throwIfAborted(walk.signal)
  const path = folders.reduce(at, walk.real)
  const names = await visit(folders, await namesAt(walk, folders))
  const rest = names.filter((name) => !isTemporaryName(name) && name !== claimsName)
  // Many folders are side by side only on one level, that of the checkpoints, so 16 at once per level are few in all.
  await mapConcurrently(rest, async (name) => {
    const info = await lookUp(walk.root.files, at(path, name))
    if (info?.isDirectory() === true) await eachFolder(walk, [...folders, name], visit)
  })
}

/**
 * Tries again until it succeeds: of two claimers at once, one may sweep the other's temporary folder away while it is
 * used.
 */
async function sweepNames(
  walk: Walk,
  access: Access,
  folders: readonly string[],
  names: readonly string[],
): Promise<void> {
  const { files } = walk.root
  const path = folders.reduce(at, walk.real)
  let left = names.filter(isTemporaryName)
  for (let again = 100; left.length > 0; again--) {
    let trash: Trash | undefined
    try {
      trash = await Trash.open(access, walk.real, folders)
      for (const name of left) await trash.take(at(path, name))
      left = []
    } catch (error) {
      const passing = (error instanceof BackendError && error.kind === "transient") || hasErrno(error, "EINVAL")
      if (again > 0 && passing) continue
      // The folder itself is gone, with everything in it.
      if (hasErrno(error, "ENOENT") && (await lookUp(files, path)) === undefined) return
      throw error
    } finally {
      await trash?.empty()
    }
  }
}

function namesAt({ root, real }: Walk, folders: readonly string[]): Promise<string[]> {
  return namesIn(root.files, folders.reduce(at, real))
}
