import { expect } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { spareName } from "../../src/files/paths.js"
import type { Tree } from "./power-cut.js"
import { body, checkpoint, folderOf, isTemporary, manifestOf, pointerKey, stateOf, stream } from "./support.js"
import type { Watched } from "./watched-files.js"

export const seed = Number(process.env["CKPT_SEED"] ?? Date.now() % 1e9)
export const atMost = 400

/** What was begun and what was acknowledged, key by key; `rank` orders the values of one key. */
export class Ledger {
  readonly #values = new Map<string, { rank: number; value: string | undefined; acked: boolean }[]>()
  readonly #whole: string[][] = []

  begin(key: string, value: string | undefined, rank?: number): { ack(): void } {
    const all = this.#values.get(key) ?? [{ rank: -1, value: undefined, acked: true }]
    this.#values.set(key, all)
    const entry = { rank: rank ?? all.length, value, acked: false }
    all.push(entry)
    return {
      ack: () => {
        entry.acked = true
      },
    }
  }

  /** These appear together or not at all. */
  together(keys: string[]): void {
    this.#whole.push(keys)
  }

  /** What is wrong with the tree, if anything. */
  fault(tree: Tree): string | undefined {
    for (const [key, values] of this.#values) {
      const last = Math.max(...values.filter(({ acked }) => acked).map(({ rank }) => rank))
      const fine = values.filter(({ rank }) => rank >= last).map(({ value }) => value)
      if (tree.has(key) && tree.get(key) === undefined) return `${key} is torn`
      if (!fine.includes(tree.get(key))) return `${key} is ${tree.get(key)}, not ${fine.join(" or ")}`
    }
    for (const keys of this.#whole)
      if (keys.some((key) => tree.has(key)) && !keys.every((key) => tree.has(key)))
        return `only a part of ${keys} is there`
    for (const key of tree.keys()) {
      if (key === spareName) {
        // Under its name it is never written: a full disk may be the state after the cut.
        if (tree.get(key)?.startsWith("This file keeps room") !== true) return "the spare is not whole"
        continue
      }
      if (!isTemporary(key) && !this.#values.has(key)) return `${key} came from nowhere`
    }
    return undefined
  }
}

export class Store {
  readonly backend: FsBackend
  readonly #ledger: Ledger

  constructor(root: string, files: Watched, ledger: Ledger) {
    this.backend = new FsBackend(root, { files })
    this.#ledger = ledger
  }

  async put(key: string, value: string, when?: "absent" | { version: string }) {
    const { ack } = this.#ledger.begin(key, value)
    const meta = await this.backend.put(key, when === "absent" ? stream(value) : body(value), { when })
    ack()
    return meta
  }

  async commit(id: number) {
    const begun = [
      this.#ledger.begin(stateOf(id), `state ${id}`),
      this.#ledger.begin(manifestOf(id), `manifest ${id}`),
      this.#ledger.begin(pointerKey, folderOf(id), id),
    ]
    this.#ledger.together([stateOf(id), manifestOf(id)])
    const metas = await this.backend.commit(checkpoint(id))
    if (metas !== "unsupported") for (const { ack } of begun) ack()
    return metas
  }

  async delete(key: string) {
    const { ack } = this.#ledger.begin(key, undefined)
    expect(await this.backend.delete([key])).toEqual([])
    ack()
  }
}

export interface Outcome {
  states: number
  faults: string[]
}

/** The files of the store by their keys. */
export function within(tree: Tree): Tree {
  const files = [...tree].filter(([path]) => !path.endsWith("/"))
  return new Map(files.map(([path, content]) => [path.replace(/^above\/store\//, ""), content]))
}
