/**
 * Makes one writer lead, among the processes of one machine. The proof that nobody else changes anything afterwards:
 *
 * A writer makes each change, also a removal, in three steps:
 *   1. Temporary name: it makes a file or folder under a temporary name of its own, in the folder of the change (`NewFile`,
 *      `Stage`, `Trash`). The change depends on this name, and a claimer can recognise the name and take it away.
 *   2. Look: in every folder from the root to the change, it reads the highest claim (`Fence`). If that is not its own, it
 *      stops with `fenced`.
 *   3. Move: one `link` or `rename` from the temporary name, or into it. Only this makes the change.
 *
 * A claimer takes three steps as well:
 *   1. Claim: it creates the next claim, only if absent, and makes it durable (`acquire`). Every later look finds it.
 *   2. Sweep: it takes away all temporary names of others (`sweep`). No move from or into them can succeed any more.
 *   3. It answers. Only then is anything recovered or written.
 *
 * So a writer may be stopped between any two of its steps, for any time. Where its temporary name is when the sweep comes
 * decides:
 * - moved already: the change was made before the claimer's answer, and the new leader finds it;
 * - there: the sweep takes it, and the move fails with ENOENT;
 * - not there yet: it is made after the sweep, so after the claim, and the look that follows finds the claim.
 *
 * Neither order may be turned round. A writer that looks first can make its temporary name after the sweep, and moves
 * without having seen the claim. A claimer that sweeps first misses a name that is made between sweep and claim, by a
 * writer whose look is over before the claim.
 *
 * No clock and no list of living processes is part of this. Signs of life (`Heartbeat`, `hasEnded`) decide only who may be
 * superseded: if they are wrong, a living holder loses its lead, and no checkpoint is lost.
 *
 * Two kinds of removal do without a temporary name. An empty folder is removed in place, since its loss harms nobody. Where
 * a temporary folder cannot be made or used (a full disk, an overlay filesystem), `Trash` removes in place, after a look.
 */

import { BackendError } from "@ckpt/core"
import { Directories } from "../files/directories.js"
import { throwIfAborted } from "../files/errors.js"
import { at, prefixFolders } from "../files/paths.js"
import { thisProcess } from "../files/process-identity.js"
import type { Root } from "../files/root.js"
import { type Acquired, acquire, type Claimant } from "./acquire.js"
import { forgetOlder, highestClaim, markReleased } from "./claim-files.js"
import { Fence } from "./fence.js"
import { Heartbeat } from "./heartbeat.js"
import { claimedFolders, sweep } from "./sweep.js"

export interface ClaimOptions {
  readonly prefix: string
  readonly silentAfterMs: number
  readonly signal: AbortSignal | undefined
}

/** The claims that one writer holds: its own, and one in each folder above and below that had claims already. */
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

  /** Rejects with `fenced` unless all of them still lead. */
  async check(real: string): Promise<void> {
    for (const folders of this.#numbers.keys()) await this.fence.check(real, folders === "" ? [] : folders.split("/"))
  }

  async forgetOlder(): Promise<void> {
    for (const { folder, n } of this.#acquired) await forgetOlder(this.#root.files, folder, n)
  }

  /** Gives the claims up, so that the next claimer need not wait. Writing without a claim stays forbidden. */
  release(): Promise<void> {
    this.#released ??= (async () => {
      this.fence.giveUp()
      await this.#heartbeat.stop()
      for (const { folder, n } of this.#acquired) {
        // If the mark cannot be written, the silence of the holder says the same, later.
        await markReleased(this.#root.files, folder, n).catch(() => undefined)
      }
    })()
    return this.#released
  }
}

/** Makes one writer lead on all keys that start with the prefix: claim, then sweep. */
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
    // The holder of a folder above leads here too, so its claim is superseded as well. This look comes after the own
    // claim: if two claim at once, at least one of them sees the other.
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
 * The claimed folders above and below. Their holders are asked for signs of life before the own claim is made: a claim that
 * is made and then given up would stop them all the same.
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
