import { constants } from "node:fs"
import { BackendError } from "@ckpt/core"
import type { FileApi } from "../files/file-api.js"
import { damaged, identityOf, kindOf, lookUp, namesIn } from "../files/file-info.js"
import { at, claimsName } from "../files/paths.js"

/**
 * The files in the folder `.claims`, for the n-th claim:
 * - `claim-n.json`: its holder. Created only if absent, whole and durable. The highest leads, and is never removed.
 * - `beat-n`: written again and again while the holder lives. The filesystem's clock sets its time of modification.
 * - `released-n`: exists once the holder has given the claim up.
 */
const claimFile = /^claim-(\d{6,15})\.json$/
const anyFile = /^(?:claim|beat|released)-(\d{6,15})(?:\.json)?$/

const padded = (n: number) => String(n).padStart(6, "0")
export const claimPath = (folder: string, n: number): string => at(folder, `claim-${padded(n)}.json`)
const beatPath = (folder: string, n: number): string => at(folder, `beat-${padded(n)}`)
const releasedPath = (folder: string, n: number): string => at(folder, `released-${padded(n)}`)

/** The number of the claim that leads in `parent`; `undefined` if nobody ever claimed there. */
export async function highestClaim(files: FileApi, parent: string): Promise<number | undefined> {
  const folder = at(parent, claimsName)
  const info = await lookUp(files, folder)
  if (info === undefined) return undefined
  // A link could lead to the claims of another store, or to none.
  if (!info.isDirectory()) throw damaged(folder, kindOf(info), "the folder of the claims")
  const numbers = (await namesIn(files, folder)).flatMap((name) => Number(claimFile.exec(name)?.[1] ?? []))
  return numbers.length === 0 ? undefined : Math.max(...numbers)
}

/** When the holder last showed life, by the filesystem's clock: milliseconds since 1970. */
export async function lastBeat(files: FileApi, folder: string, n: number): Promise<number> {
  const infos = await Promise.all([lookUp(files, claimPath(folder, n)), lookUp(files, beatPath(folder, n))])
  return Math.max(0, ...infos.map((info) => Number(info?.mtimeMs ?? 0)))
}

/** One claim, in the folder `.claims` that it was made in. */
export interface ClaimPlace {
  readonly folder: string
  /** Which folder that is. */
  readonly identity: string
  readonly n: number
}

/**
 * Shows life. Only the first beat creates the file: a later one must not bring back a file that a later claim removed.
 */
export async function beat(files: FileApi, { folder, identity, n }: ClaimPlace, first: boolean): Promise<void> {
  await assertSame(files, folder, identity)
  const again = constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)
  const file = await files.open(beatPath(folder, n), first ? "wx" : again, 0o666)
  try {
    await file.write(Buffer.from("."))
  } finally {
    await file.close()
  }
}

export async function isReleased(files: FileApi, folder: string, n: number): Promise<boolean> {
  return (await lookUp(files, releasedPath(folder, n))) !== undefined
}

/** Not synced: after a crash of the system, the silence of the holder says the same, a little later. */
export async function markReleased(files: FileApi, { folder, identity, n }: ClaimPlace): Promise<void> {
  await assertSame(files, folder, identity)
  const file = await files.open(releasedPath(folder, n), "wx", 0o666)
  await file.close()
}

/**
 * Removes the files of claims before the previous one. The previous claim stays: a claimer that saw it as the highest finds
 * the next number taken. A late process may remove again without harm, since it removes only numbers below its own.
 */
export async function forgetOlder(files: FileApi, { folder, identity, n }: ClaimPlace): Promise<void> {
  await assertSame(files, folder, identity)
  for (const name of await namesIn(files, folder)) {
    const number = Number(anyFile.exec(name)?.[1] ?? n)
    if (number < n - 1) await removeFile(files, at(folder, name))
  }
}

/** Removes what tells of the life of the claims up to `n`, which are about to be superseded: nobody asks for it any more. */
export async function forgetLife(files: FileApi, folder: string, n: number): Promise<void> {
  for (const name of await namesIn(files, folder)) {
    const number = Number(anyFile.exec(name)?.[1] ?? n + 1)
    if (number <= n && !claimFile.test(name)) await removeFile(files, at(folder, name))
  }
}

async function removeFile(files: FileApi, path: string): Promise<void> {
  // A link or a device is not ours.
  if ((await lookUp(files, path).catch(() => undefined))?.isFile()) await files.unlink(path).catch(() => undefined)
}

/** Another folder, or a link, in the place of `.claims` is not ours: nothing in it is touched. */
async function assertSame(files: FileApi, folder: string, identity: string): Promise<void> {
  const info = await lookUp(files, folder)
  if (info !== undefined && identityOf(info) === identity) return
  const found = info === undefined ? "gone" : "another folder than a moment ago, or a link"
  throw new BackendError("fenced", `${folder} is ${found}: anybody may have claimed, so this holder stops`)
}
