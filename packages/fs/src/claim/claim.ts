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
import { at, claimsName } from "../files/paths.js"
import { thisProcess } from "../files/process-identity.js"
import type { Root } from "../files/root.js"
import { acquire, type Claimant } from "./acquire.js"
import { type ClaimPlace, forgetOlder, highestClaim, markReleased } from "./claim-files.js"
import { Fence } from "./fence.js"
import { Heartbeat } from "./heartbeat.js"
import { covers, readHolder } from "./holder.js"
import type { Scope } from "./scope.js"
import { claimedFolders, sweep } from "./sweep.js"

export interface ClaimOptions {
  readonly scope: Scope
  readonly silentAfterMs: number
  readonly signal: AbortSignal | undefined
}

export interface Claimed {
  readonly held: HeldClaims
  readonly epoch: number
  readonly passedOver: readonly string[]
}

/** The claims that one writer holds: its own, and one in each folder above and below that had claims already. */
export class HeldClaims {
  readonly fence: Fence
  readonly #root: Root
  readonly #heartbeat: Heartbeat
  /** Folder below the root → number. */
  readonly #numbers = new Map<string, number>()
  readonly #acquired: ClaimPlace[] = []
  #released: Promise<void> | undefined

  constructor(root: Root, silentAfterMs: number) {
    this.#root = root
    this.#heartbeat = new Heartbeat(root.files, silentAfterMs / 5)
    this.fence = new Fence(root, this.#numbers)
  }

  numberOf(folders: readonly string[]): number | undefined {
    return this.#numbers.get(folders.join("/"))
  }

  async add(folders: readonly string[], acquired: ClaimPlace): Promise<void> {
    this.#numbers.set(folders.join("/"), acquired.n)
    this.#acquired.push(acquired)
    await this.#heartbeat.add(acquired)
  }

  /** Rejects with `fenced` unless all of them still lead. */
  async check(real: string): Promise<void> {
    for (const folders of this.#numbers.keys()) await this.fence.check(real, folders === "" ? [] : folders.split("/"))
  }

  async forgetOlder(): Promise<void> {
    for (const place of this.#acquired) await forgetOlder(this.#root.files, place)
  }

  /** Gives the claims up, so that the next claimer need not wait. Writing without a claim stays forbidden. */
  release(): Promise<void> {
    this.#released ??= (async () => {
      this.fence.giveUp()
      await this.#heartbeat.stop()
      for (const place of this.#acquired) {
        // If the mark cannot be written, the silence of the holder says the same, later.
        await markReleased(this.#root.files, place).catch(() => undefined)
      }
    })()
    return this.#released
  }
}

/** Makes one writer lead on the keys of a scope: claim, then sweep. */
export async function claimScope(root: Root, options: ClaimOptions): Promise<Claimed> {
  const { scope, silentAfterMs, signal } = options
  const { own, names } = scope
  throwIfAborted(signal)
  const directories = new Directories(root)
  const holder = { process: thisProcess(), silentAfterMs }
  const held = new HeldClaims(root, silentAfterMs)
  const take = async (folders: readonly string[], besides: readonly string[] = []) => {
    if (held.numberOf(folders) !== undefined) return
    const real = await directories.ensure([])
    const about = folders.length === own.length ? names : await namesOf(root, folders.reduce(at, real))
    const claimant: Claimant = { files: root.files, directories, holder: { ...holder, names: about }, signal }
    await held.add(folders, await acquire(claimant, folders, besides))
  }
  try {
    await take(own, await around(root, scope, signal))
    const real = await root.resolve()
    if (real === undefined) throw new BackendError("transient", `the root ${root.path} was removed: try again.`)
    // The holder of a folder above leads here too, so its claim is superseded as well. This look comes after the own
    // claim: if two claim at once, at least one of them sees the other.
    for (const above of foldersAbove(own)) if (await isClaimed(root, real, above, scope)) await take(above)
    const access = { root, directories, fence: held.fence }
    const passedOver = await sweep({ root, real, scope, signal }, access, async (folders) => {
      const isOurs = await isClaimed(root, real, folders, scope)
      if (isOurs) await take(folders)
      return isOurs
    })
    await held.check(real)
    await held.forgetOlder()
    throwIfAborted(signal)
    return { held, epoch: held.numberOf(own) ?? 0, passedOver }
  } catch (error) {
    await held.release()
    throw error
  }
}

/**
 * The claimed folders above and below. Their holders are asked for signs of life before the own claim is made: a claim that
 * is made and then given up would stop them all the same.
 */
async function around(root: Root, scope: Scope, signal: AbortSignal | undefined): Promise<string[]> {
  const real = await root.resolve()
  if (real === undefined) return []
  const { own } = scope
  // Before anything is read: a link on the way would lead out of the root.
  await root.locate(real, [...own, claimsName])
  const below = await claimedFolders({ root, real, scope, signal })
  const found: string[] = []
  for (const folders of [...foldersAbove(own), ...below]) {
    if (folders.length !== own.length && (await isClaimed(root, real, folders, scope)))
      found.push(folders.reduce(at, real))
  }
  return found
}

function foldersAbove(own: readonly string[]): (readonly string[])[] {
  return own.map((_, depth) => own.slice(0, depth))
}

/** What the claim that leads in a folder is about: its successor, which takes it over from elsewhere, must not widen it. */
async function namesOf({ files }: Root, path: string): Promise<readonly string[] | undefined> {
  const n = await highestClaim(files, path)
  return n === undefined ? undefined : (await readHolder(files, at(path, claimsName), n))?.names
}

/**
 * Whether a folder on the way to the folder of the claim, or below it, is claimed, and that claim is about keys of this one. Other
 * claims are those of other stores.
 */
async function isClaimed(root: Root, real: string, folders: readonly string[], scope: Scope): Promise<boolean> {
  const path = folders.reduce(at, real)
  const n = await highestClaim(root.files, path)
  if (n === undefined) return false
  const { own, mayHold } = scope
  const isAbove = folders.length < own.length
  return covers(root.files, path, n, (name) => (isAbove ? name === own[folders.length] : mayHold([...folders, name])))
}
