import type { ObjectInfo, Objects } from "@ckpt/core"
import { behind, type ParsedKey, parseKey } from "./keys.js"

/** A checkpoint, as a listing shows it. */
export interface Listed {
  /** Its key, without an ending. */
  readonly base: string
  readonly checkpointId: string
  /** False: there are writes alone. Their checkpoint is still on its way, or its writer has died. */
  readonly isThere: boolean
  /** When the last of its objects was stored, by the storage's clock. */
  readonly modified: Date
  /** The keys of its writes, in their order. */
  readonly writes: readonly string[]
}

// A checkpoint with the writes of some tasks. A longer page costs no request more, but the bytes of its names.
const firstPage = 20
const nextPages = 1000

/** The checkpoints below a prefix in the order of their keys: the latest first within one namespace. */
export async function* listed(objects: Objects, prefix: string, afterBase?: string): AsyncGenerator<Listed> {
  let after = afterBase === undefined ? undefined : behind(afterBase)
  let open: Open | undefined
  for (let limit = firstPage; ; limit = nextPages) {
    const page = await objects.list({ prefix, after, limit })
    for (const info of page) {
      const parsed = parseKey(info.key)
      if (parsed === undefined) continue
      if (open !== undefined && open.base !== parsed.base) yield open
      open = added(open, parsed, info)
    }
    if (page.length < limit) break
    after = page.at(-1)?.key
  }
  if (open !== undefined) yield open
}

// More than a page of a cloud has: on the filesystem each page reads all names of a folder anew.
const longPages = 10_000

/** All objects below a prefix, in the order of their keys. No more than one page is in memory. */
export async function* names(objects: Objects, prefix: string): AsyncGenerator<ObjectInfo> {
  let after: string | undefined
  for (;;) {
    const page = await objects.list({ prefix, after, limit: longPages })
    yield* page
    if (page.length < longPages) return
    after = page.at(-1)?.key
  }
}

interface Open extends Listed {
  isThere: boolean
  modified: Date
  readonly writes: string[]
}

function added(open: Open | undefined, { base, checkpointId, isCheckpoint }: ParsedKey, info: ObjectInfo): Open {
  const { key, lastModified } = info
  const one = open?.base === base ? open : { base, checkpointId, isThere: false, modified: lastModified, writes: [] }
  if (isCheckpoint) one.isThere = true
  else one.writes.push(key)
  if (lastModified > one.modified) one.modified = lastModified
  return one
}
