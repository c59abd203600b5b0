import { randomUUID } from "node:crypto"
import { dirname } from "node:path"
import type { BackendError } from "@ckpt/core"
import type { Directories } from "../files/directories.js"
import { hasErrno, isFull, throwIfAborted } from "../files/errors.js"
import type { FileApi, OpenFile } from "../files/file-api.js"
import { identityOf, lookUp } from "../files/file-info.js"
import { linkFile } from "../files/link.js"
import { NewFile } from "../files/new-file.js"
import { at, claimsName } from "../files/paths.js"
import { hasEnded, isThisProcess } from "../files/process-identity.js"
import { syncDirectory } from "../files/sync-directory.js"
import { writeAll } from "../files/write-behind.js"
import { type ClaimPlace, claimPath, forgetLife, highestClaim, isReleased, lastBeat } from "./claim-files.js"
import { fenced } from "./fence.js"
import { formatHolder, type Holder, readHolder } from "./holder.js"

/**
 * Folder of claims → identity of the claim that this process made last. A claim that was made on a full disk is empty, and names
 * nobody.
 */
const ownClaims = new Map<string, string>()

export interface Claimant {
  readonly files: FileApi
  readonly directories: Directories
  readonly holder: Holder
  readonly signal: AbortSignal | undefined
}

/**
 * Makes the next claim in a folder below the root, unless the holder of the previous claim shows signs of life. The holders
 * of the folders `besides`, claimed as well, are asked too. Of two claimers at once, the one that creates the file is first;
 * nothing else decides.
 */
export async function acquire(
  claimant: Claimant,
  folders: readonly string[],
  besides: readonly string[],
): Promise<ClaimPlace> {
  const { files, directories, signal } = claimant
  for (;;) {
    throwIfAborted(signal)
    const folder = await directories.ensure([...folders, claimsName])
    const n = ((await highestClaim(files, dirname(folder))) ?? 0) + 1
    const others = [dirname(folder), ...besides]
    try {
      await create(claimant, folder, n, others).catch((error: unknown) => {
        if (!isFull(error)) throw error
        return createWithoutRoom(claimant, folder, n, others)
      })
    } catch (error) {
      // Another claimer was faster, or swept the temporary file away: look again who leads now.
      if (hasErrno(error, "EEXIST", "ENOENT")) continue
      throw error
    }
    await syncDirectory(files, folder)
    return { folder, n, identity: identityOf(await files.lstat(folder, { bigint: true })) }
  }
}

async function create(claimant: Claimant, folder: string, n: number, others: readonly string[]): Promise<void> {
  const { files, holder, signal } = claimant
  const file = await NewFile.createTemporary(files, folder, "tmp")
  try {
    await writeHolder(file.handle, n, holder)
    // The time now, by the clock that stamps the beats too: the filesystem's.
    const info = await file.info()
    for (const other of others) await refuseLiving(files, other, Number(info.mtimeMs), holder.silentAfterMs)
    await file.sync()
    await file.close()
    throwIfAborted(signal)
    await linkFile(files, file.path, claimPath(folder, n))
    ownClaims.set(folder, identityOf(info))
  } finally {
    await file.discard()
  }
}

/**
 * The same on a disk without room for one more file or name. The files of the claims that are superseded now make room, and the
 * claim is created under its own name. There is no temporary name then that a faster claimer could take away, so the claims are
 * looked at once more: a number below the highest is no claim.
 */
async function createWithoutRoom(
  claimant: Claimant,
  folder: string,
  n: number,
  others: readonly string[],
): Promise<void> {
  const { files, holder, signal } = claimant
  for (const other of others) await refuseLiving(files, other, Date.now(), holder.silentAfterMs)
  throwIfAborted(signal)
  await forgetLife(files, folder, n - 1)
  const file = await NewFile.create(files, claimPath(folder, n))
  try {
    await writeHolder(file.handle, n, holder)
    ownClaims.set(folder, identityOf(await file.info()))
    await file.sync()
    await file.close()
  } catch (error) {
    await file.discard()
    throw error
  }
  if ((await highestClaim(files, dirname(folder))) === n) return
  await file.discard()
  throw fenced(`${dirname(folder)} was claimed by another writer at the same time. Claim again`)
}

/** An empty file is a claim too: it says less about its holder, and its age is judged all the same. */
async function writeHolder(file: OpenFile, n: number, holder: Holder): Promise<void> {
  await writeAll(file, [formatHolder(n, randomUUID(), holder)]).catch((error: unknown) => {
    if (!isFull(error)) throw error
  })
}

/** Rejects with `fenced` if the claim that leads in a folder must not be superseded yet. */
async function refuseLiving(files: FileApi, parent: string, nowMs: number, silentAfterMs: number): Promise<void> {
  const n = await highestClaim(files, parent)
  if (n === undefined) return
  const folder = at(parent, claimsName)
  const holder = await readHolder(files, folder, n)
  if (holder !== undefined && (isThisProcess(holder.process) || hasEnded(holder.process))) return
  if (holder === undefined && (await isOwn(files, folder, n))) return
  if (await isReleased(files, folder, n)) return
  const limit = Math.max(silentAfterMs, holder?.silentAfterMs ?? 0)
  // A beat far in the future comes from a clock that was set back since; a living holder would have beaten again.
  const silence = Math.abs(nowMs - (await lastBeat(files, folder, n)))
  if (silence <= limit) throw stillHeld(folder, n, holder, silence, limit)
}

async function isOwn(files: FileApi, folder: string, n: number): Promise<boolean> {
  const info = await lookUp(files, claimPath(folder, n))
  return info !== undefined && identityOf(info) === ownClaims.get(folder)
}

function stillHeld(
  folder: string,
  n: number,
  holder: Holder | undefined,
  silence: number,
  limit: number,
): BackendError {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
  const parent = dirname(folder)
  const who =
    holder === undefined
      ? "an unknown holder (its claim cannot be read)"
      : `process ${holder.process.pid} on host ${holder.process.host}`
  return fenced(
    `${parent} is claimed (epoch ${n}) by ${who}, which showed life ${seconds(silence)} ago. ` +
      `Stop it, or claim again once it has been silent for ${seconds(limit)}`,
  )
}
