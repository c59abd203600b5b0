import { BackendError } from "@ckpt/core"
import { Directories } from "../files/directories.js"
import { throwIfAborted } from "../files/errors.js"
import { at, prefixFolders } from "../files/paths.js"
import type { Root } from "../files/root.js"
import { type Acquired, acquire, type Claimant } from "./acquire.js"
import { forgetOlder, highestClaim, markReleased } from "./claim-files.js"
import { Fence } from "./fence.js"
import { Heartbeat } from "./heartbeat.js"
import { thisProcess } from "./process-identity.js"
import { claimedFolders, sweep } from "./sweep.js"

export interface ClaimOptions {
  readonly prefix: string
  readonly silentAfterMs: number
  readonly signal: AbortSignal | undefined
}

/** What one writer holds: its claim, and those of folders above and below that had claims already. */
export class HeldClaims {
  readonly fence: Fence
  readonly #root: Root
  readonly #heartbeat: Heartbeat
  /** Folder below the root → number. */
  readonly #numbers = new Map<string, number>()
  readonly #acquired: Acquired[] = []
  #released: Promise<void> | undefined

  constructor(root: Root, silentAfterMs: number) {
    this.#root = root
    this.#heartbeat = new Heartbeat(root.files, silentAfterMs / 5)
    this.fence = new Fence(root, this.#numbers)
  }

  numberOf(folders: readonly string[]): number | undefined {
    return this.#numbers.get(folders.join("/"))
  }

  async add(folders: readonly string[], acquired: Acquired): Promise<void> {
    this.#numbers.set(folders.join("/"), acquired.n)
    this.#acquired.push(acquired)
    await this.#heartbeat.add(acquired.folder, acquired.n)
  }

  /** Whether all of them still lead. */
  async check(real: string): Promise<void> {
    for (const folders of this.#numbers.keys()) await this.fence.check(real, folders === "" ? [] : folders.split("/"))
  }

  async forgetOlder(): Promise<void> {
    for (const { folder, n } of this.#acquired) await forgetOlder(this.#root.files, folder, n)
  }

  /** Gives them up: the next one to claim need not wait. Nobody may write without a claim all the same. */
  release(): Promise<void> {
    this.#released ??= (async () => {
      this.fence.giveUp()
      await this.#heartbeat.stop()
      for (const { folder, n } of this.#acquired) {
        // Where that cannot be written, silence tells it.
        await markReleased(this.#root.files, folder, n).catch(() => undefined)
      }
    })()
    return this.#released
  }
}

/**
 * Makes one writer lead on all keys that start with the prefix: first its claim is there and durable, then every temporary
 * name of everybody else is taken away.
 */
export async function claimPrefix(root: Root, options: ClaimOptions): Promise<{ held: HeldClaims; epoch: number }> {
  const { prefix, silentAfterMs, signal } = options
  const own = prefixFolders(prefix)
  if (prefix !== "" && !prefix.endsWith("/")) {
    throw new BackendError("permanent", `cannot claim ${prefix}: only whole folders are claimed. End it with a slash.`)
  }
  throwIfAborted(signal)
  const directories = new Directories(root)
  const claimant: Claimant = {
    files: root.files,
    directories,
    holder: { process: thisProcess(), silentAfterMs },
    signal,
  }
  const held = new HeldClaims(root, silentAfterMs)
  const take = async (folders: readonly string[], besides: readonly string[] = []) => {
    if (held.numberOf(folders) !== undefined) return
    await held.add(folders, await acquire(claimant, folders, besides))
  }
  try {
    await take(own, await around(root, own, signal))
    const real = await root.resolve()
    if (real === undefined) throw new BackendError("transient", `the root ${root.path} was removed: try again.`)
    // Who claimed a folder above leads here too, so it must have stopped as well. Looked for after the own claim was made:
    // of two that claim at once, one sees the other.
    for (const above of foldersAbove(own)) if (await isClaimed(root, real, above)) await take(above)
    const access = { root, directories, fence: held.fence }
    await sweep({ root, real, signal }, access, own, async (folders) => {
      if (await isClaimed(root, real, folders)) await take(folders)
    })
    await held.check(real)
    await held.forgetOlder()
    throwIfAborted(signal)
    return { held, epoch: held.numberOf(own) ?? 0 }
  } catch (error) {
    await held.release()
    throw error
  }
}

/**
 * The folders above and below that are claimed too. Their holders are asked for signs of life before there is a claim:
 * one that is made and then given up would stop them all the same.
 */
async function around(root: Root, own: readonly string[], signal: AbortSignal | undefined): Promise<string[]> {
  const real = await root.resolve()
  if (real === undefined) return []
  const candidates = [...foldersAbove(own), ...(await claimedFolders({ root, real, signal }, own))]
  const found: string[] = []
  for (const folders of candidates) {
    if (folders.length !== own.length && (await isClaimed(root, real, folders))) found.push(folders.reduce(at, real))
  }
  return found
}

function foldersAbove(own: readonly string[]): (readonly string[])[] {
  return own.map((_, depth) => own.slice(0, depth))
}

async function isClaimed(root: Root, real: string, folders: readonly string[]): Promise<boolean> {
  return (await highestClaim(root.files, folders.reduce(at, real))) !== undefined
}
