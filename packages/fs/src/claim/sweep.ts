import { BackendError } from "@ckpt/core"
import { mapConcurrently } from "@ckpt/core/adapter"
import { hasErrno, throwIfAborted } from "../files/errors.js"
import { lookUp, namesIn } from "../files/file-info.js"
import { at, claimsName, isTemporaryName, isWriterSign, spareName } from "../files/paths.js"
import { assertFolder, type Root } from "../files/root.js"
import type { Access } from "./fence.js"
import type { Scope } from "./scope.js"
import { Trash } from "./trash.js"

export interface Walk {
  readonly root: Root
  readonly real: string
  readonly scope: Scope
  readonly signal: AbortSignal | undefined
}

const passedOverAtMost = 100

/** Every claimed folder below the folder of the claim, as far as it is of the claimed keys. */
export async function claimedFolders(walk: Walk): Promise<(readonly string[])[]> {
  const found: (readonly string[])[] = []
  await eachFolder(walk, async (here, names) => {
    if (names.includes(claimsName)) found.push(here)
    return names
  })
  return found
}

/**
 * Takes away every temporary name of the claimed keys, whatever its age. A change that was begun before the claim can then no
 * longer be moved into place; a change that is begun after it sees the claim. `claimed` is called for each folder with claims of
 * its own, before that folder is swept; false: they are of another store.
 *
 * @returns the names that it passed over: what is in the folder of the claim and not of the claimed keys, and folders on another
 *   device, where a snapshot of the store may be mounted
 */
export async function sweep(
  walk: Walk,
  access: Access,
  claimed: (folders: readonly string[]) => Promise<boolean>,
): Promise<string[]> {
  const { own, names } = walk.scope
  const claims = [...own, claimsName]
  await sweepNames(walk, access, claims, await namesAt(walk, claims))
  const passedOver = await eachFolder(walk, async (here, listed) => {
    let found = listed
    if (listed.includes(claimsName) && (await claimed(here))) {
      // Listed again: temporary names that came since the first listing may be older than the claim that `claimed` made.
      found = await namesAt(walk, here)
      const below = [...here, claimsName]
      await sweepNames(walk, access, below, await namesAt(walk, below))
    }
    await sweepNames(walk, access, here, found)
    return found
  })
  const others = names === undefined ? [] : await namesAt(walk, own)
  for (const name of others.sort()) {
    if (passedOver.length >= passedOverAtMost) break
    if (name !== claimsName && name !== spareName && !names?.includes(name) && !isTemporaryName(name))
      passedOver.push(name)
  }
  return passedOver.slice(0, passedOverAtMost)
}

/**
 * Goes through the folders of the claimed keys. No other name is looked at: it may be of another user, or of a snapshot, or one
 * of ten thousands. `visit` gets the names in a folder, and returns those to go on with.
 *
 * @returns the folders on another device
 */
async function eachFolder(
  walk: Walk,
  visit: (folders: readonly string[], names: readonly string[]) => Promise<readonly string[]>,
): Promise<string[]> {
  const { root, real, scope, signal } = walk
  const elsewhere: string[] = []
  const go = async (folders: readonly string[], device: bigint): Promise<void> => {
    throwIfAborted(signal)
    const names = await visit(folders, await namesAt(walk, folders))
    const rest = names.filter((name) => !isTemporaryName(name) && name !== claimsName)
    // Many folders are side by side only on one level, that of the checkpoints, so 16 at once per level are few in all.
    await mapConcurrently(rest, async (name) => {
      const child = [...folders, name]
      if (!scope.mayHold(child)) return
      const info = await lookUp(root.files, child.reduce(at, real))
      if (info?.isDirectory() !== true) return
      if (info.dev === device) await go(child, device)
      else elsewhere.push(child.slice(scope.own.length).join("/"))
    })
  }
  const starts = scope.names?.map((name) => [...scope.own, name]) ?? [scope.own]
  for (const folders of starts) {
    const path = folders.reduce(at, real)
    const info = await lookUp(root.files, path)
    if (folders.length === 1) root.watch(folders[0] ?? "", info)
    if (info === undefined) continue
    assertFolder(path, info, 0)
    // A volume may be mounted here. So it is asked for each start which device is ours.
    await go(folders, info.dev)
  }
  return elsewhere
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
  let left = await ours(walk, path, names)
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

/**
 * Of the names, the temporary ones of files and folders. Nothing else was made by this package, or is moved by it. The sign of a
 * writer is never moved into place: it stays.
 */
async function ours({ root }: Walk, path: string, names: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const name of names.filter((name) => isTemporaryName(name) && !isWriterSign(name))) {
    const info = await lookUp(root.files, at(path, name))
    if (info?.isFile() === true || info?.isDirectory() === true) found.push(name)
  }
  return found
}

function namesAt({ root, real }: Walk, folders: readonly string[]): Promise<string[]> {
  return namesIn(root.files, folders.reduce(at, real))
}
