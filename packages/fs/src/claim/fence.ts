import { BackendError } from "@ckpt/core"
import { together } from "@ckpt/core/adapter"
import type { Directories } from "../files/directories.js"
import { at } from "../files/paths.js"
import type { Root } from "../files/root.js"
import { highestClaim } from "./claim-files.js"
import { covers } from "./holder.js"

/** What every change needs: the root, its directories, and the check whether the writer may still write. */
export interface Access {
  readonly root: Root
  readonly directories: Directories
  readonly fence: Fence
}

/**
 * The look of a writer: may it still write? It is asked after the temporary name is made and before the move; see claim.ts
 * for the proof.
 */
export class Fence {
  readonly #root: Root
  /** Folder below the root ("" is the root itself) → the number of the claim that this writer holds there. */
  readonly #held: ReadonlyMap<string, number>
  #given = false

  /** Without `held`: a writer that may write only where nobody ever claimed. */
  constructor(root: Root, held: ReadonlyMap<string, number> = new Map()) {
    this.#root = root
    this.#held = held
  }

  /** From now on, every check rejects. */
  giveUp(): void {
    this.#given = true
  }

  /** Rejects with `fenced` if anybody else leads in one of the folders on the way from the root (`real`) to the last. */
  async check(real: string | undefined, folders: readonly string[]): Promise<void> {
    if (this.#given) throw fenced(`the claim of ${this.#root.path} was given up by its holder, and it writes no more`)
    const looks = [...folders.keys(), folders.length].map((depth) => {
      const above = folders.slice(0, depth)
      return this.#checkOne(real === undefined ? undefined : above.reduce(at, real), above, folders[depth])
    })
    await together(looks)
  }

  /** @param next the folder in this one that is on the way to the change; `undefined` if the change is made in this one */
  async #checkOne(path: string | undefined, folders: readonly string[], next: string | undefined): Promise<void> {
    const { files } = this.#root
    const held = this.#held.get(folders.join("/"))
    const highest = path === undefined ? undefined : await highestClaim(files, path)
    if (highest === held) return
    const isAnothers = held === undefined && path !== undefined && highest !== undefined
    if (isAnothers && !(await covers(files, path, highest, (name) => name === next))) return
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
