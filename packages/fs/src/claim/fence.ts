import { BackendError } from "@ckpt/core"
import type { Directories } from "../files/directories.js"
import { at } from "../files/paths.js"
import type { Root } from "../files/root.js"
import { together } from "../files/together.js"
import { highestClaim } from "./claim-files.js"

/** What whoever changes something needs: where, and whether it still may. */
export interface Access {
  readonly root: Root
  readonly directories: Directories
  readonly fence: Fence
}

/**
 * Says whether a writer may still write. Names become visible, and go, only by the link or rename of something under a
 * temporary name of the writer's own. It makes that first, then asks here, then moves. Whoever claims does it the other
 * way round: the claim first, then it takes away what is under temporary names. So a writer that was stopped anywhere,
 * for however long, either finds its temporary name gone, or sees the claim; no clock is asked.
 */
export class Fence {
  readonly #root: Root
  /** Folder below the root ("" is the root itself) → the number of the claim that this writer holds there. */
  readonly #held: ReadonlyMap<string, number>
  #given = false

  /** Without claims: a writer that may write where nobody ever claimed. */
  constructor(root: Root, held: ReadonlyMap<string, number> = new Map()) {
    this.#root = root
    this.#held = held
  }

  /** From now on nothing may be written. */
  giveUp(): void {
    this.#given = true
  }

  /** Rejects with `fenced` if anybody else leads in one of the folders on the way from the root (`real`) to the last. */
  async check(real: string | undefined, folders: readonly string[]): Promise<void> {
    if (this.#given) throw fenced(`the claim of ${this.#root.path} was given up by its holder, and it writes no more`)
    const looks = [...folders.keys(), folders.length].map((depth) => {
      const above = folders.slice(0, depth)
      return this.#checkOne(real === undefined ? undefined : above.reduce(at, real), above)
    })
    await together(looks)
  }

  async #checkOne(path: string | undefined, folders: readonly string[]): Promise<void> {
    const held = this.#held.get(folders.join("/"))
    const highest = path === undefined ? undefined : await highestClaim(this.#root.files, path)
    if (highest === held) return
    const where = folders.reduce(at, this.#root.path)
    if (held === undefined) {
      throw fenced(`${where} is claimed (epoch ${highest}): only the store that claim() gave may write there`)
    }
    if (highest === undefined) {
      throw fenced(
        `the claim of ${where} (epoch ${held}) is gone: its folder was removed, so anybody may have claimed it`,
      )
    }
    throw fenced(`${where} was claimed by another writer (epoch ${highest}) after this one (epoch ${held})`)
  }
}

export function fenced(why: string): BackendError {
  return new BackendError("fenced", why)
}
