/**
 * What this process may not call durable. A name is visible from its move on, and durable once a sync of its folder that began
 * after the move has ended. In between, and for ever if the sync failed, nobody may be told that the name is durable.
 */

import { dirname } from "node:path"
import { BackendError } from "@ckpt/core"
import { errnoOf } from "./errors.js"
import { type Doubt, registry } from "./registry.js"

export function markDoubtful(path: string, doubt: Doubt): void {
  if (registry.doubtful.get(path) !== "created") registry.doubtful.set(path, doubt)
}

/**
 * A sync of this folder failed, whoever made it. It took every change with it that was made before, also by other processes, and another
 * sync of the folder proves nothing for them.
 */
export function syncFailed(folder: string): void {
  for (const lose of registry.changing.get(folder) ?? []) lose()
  // Anew with each failure: another process may have changed a name since this process has synced it.
  registry.failed.set(folder, new Set())
}

/** How a sync ended: `lost`, it failed, so no name can be called durable; `untried`, it was not made, or there is nothing to sync. */
export type Ending = "synced" | "lost" | "untried"

/** Names of one folder that were made or removed, from then on until the end of the sync that makes the change durable. */
export class UnsyncedNames {
  readonly #folder: string
  readonly #names = new Map<string, Doubt>()
  readonly #ended: Promise<void>
  #end: () => void = () => undefined
  #isLost = false
  readonly #lose = () => {
    this.#isLost = true
  }

  /** To be made before the change, and ended in any case. */
  constructor(folder: string) {
    this.#folder = folder
    this.#ended = new Promise((resolve) => {
      this.#end = resolve
    })
    const others = registry.changing.get(folder)
    if (others === undefined) registry.changing.set(folder, new Set([this.#lose]))
    else others.add(this.#lose)
  }

  /** To be called right after the change, before the lock of the root is given back. */
  add(path: string, doubt: Doubt): void {
    this.#names.set(path, doubt)
    registry.unsynced.set(path, this.#ended)
  }

  /** As {@link add}, of a name that is there already, whoever made it. Throws if a sync of the folder failed since the process began. */
  addFound(path: string): void {
    if (registry.failed.get(this.#folder)?.has(path) === false)
      throw unsettleable(path, undefined, "it exists already, and an earlier sync of its directory failed")
    this.add(path, "created")
  }

  /** A sync of the folder has failed since this was made: another sync of it proves nothing for these names. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** To be called in any case, once the sync has ended. */
  end(how: Ending): void {
    const others = registry.changing.get(this.#folder)
    others?.delete(this.#lose)
    if (others?.size === 0) registry.changing.delete(this.#folder)
    for (const [path, doubt] of this.#names) {
      if (how === "lost") markDoubtful(path, doubt)
      if (how === "synced") {
        registry.failed.get(this.#folder)?.add(path)
        // The entry was written anew, so an older doubt about its content is over.
        if (doubt === "replaced" && registry.doubtful.get(path) === "replaced") registry.doubtful.delete(path)
      }
      if (registry.unsynced.get(path) === this.#ended) registry.unsynced.delete(path)
    }
    this.#end()
  }
}

/** The names on the way to `path`, itself first. */
function* upwards(path: string): Generator<string> {
  for (let name = path; ; name = dirname(name)) {
    yield name
    if (dirname(name) === name) return
  }
}

/**
 * Waits for the syncs under way of `path`, and of the folders above it. Then throws if one of them is in doubt. To be called
 * before a name that is there already is called durable: a second sync proves nothing while the first has not ended, since
 * the kernel reports a failure once.
 */
export async function settleDoubts(path: string): Promise<void> {
  for (const name of upwards(path)) await registry.unsynced.get(name)
  refuseDoubtful(path)
}

/**
 * Throws if `path` is in doubt, or lies below a name in doubt. With `replacing`, a name that is in doubt as `replaced`
 * may be replaced again.
 */
export function refuseDoubtful(path: string, replacing = false): void {
  if (registry.doubtful.size === 0) return
  for (const name of upwards(path)) {
    const doubt = registry.doubtful.get(name)
    if (doubt === undefined || (replacing && doubt === "replaced" && name === path)) continue
    throw new BackendError(
      "ambiguous",
      `${path} cannot be called durable: an earlier sync of the directory entry ${name} failed, and another one would prove nothing. ` +
        "Check the disk, then restart the process.",
      { unsettleable: true },
    )
  }
}

/** A failure that leaves a name in doubt until the process ends: another sync of its folder would prove nothing. */
export function unsettleable(path: string, cause: unknown, why: string): BackendError {
  const code = errnoOf(cause)
  const message = `${path} cannot be called durable: ${why}${code === undefined ? "" : ` (${code})`}. Check the disk, then restart the process.`
  return new BackendError("ambiguous", message, { cause, unsettleable: true })
}
