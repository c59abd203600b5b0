import type { CommitBatch } from "@ckpt/core"
import { keySegments } from "../files/paths.js"

/** The shape of a batch that one rename can make visible: new files in one new directory, and the pointer beside it. */
export interface Plan {
  readonly base: readonly string[]
  readonly directory: string
  readonly names: readonly string[]
  readonly pointer: string | undefined
}

/** The plan of a batch; `undefined` if the batch has another shape. */
export function planOf(batch: CommitBatch): Plan | undefined {
  const keys = batch.create.map(({ key }) => keySegments(key))
  const pointer = batch.pointer === undefined ? undefined : keySegments(batch.pointer.key)
  const folder = keys[0]?.slice(0, -1) ?? []
  const base = folder.slice(0, -1)
  const directory = folder.at(-1)
  const names = keys.map((key) => key.at(-1) ?? "")
  // Nothing is renamed in the root itself: a store begins on the first level below it.
  if (directory === undefined || base.length === 0) return undefined
  if (!keys.every((key) => isIn(key, folder)) || new Set(names).size < names.length) return undefined
  if (pointer !== undefined && (!isIn(pointer, base) || pointer.at(-1) === directory)) return undefined
  return { base, directory, names, pointer: pointer?.at(-1) }
}

function isIn(key: readonly string[], folder: readonly string[]): boolean {
  return key.length === folder.length + 1 && folder.every((segment, depth) => segment === key[depth])
}
