import type { ObjectInfo, Objects } from "@ckpt/core"
import { behind, checkpointKey, type ParsedKey, parseKey } from "./keys.js"

/** A checkpoint, as a listing shows it. */
export interface Listed {
  /** Its key, without an ending. */
  readonly base: string
  readonly checkpointId: string
  /** False: there are writes alone. Their checkpoint is still on its way, or its writer has died. */
  readonly isThere: boolean
  /** The keys of its writes, in their order. */
  readonly writes: readonly string[]
}

// A checkpoint with the writes of some tasks. A longer page costs no request more, but the bytes of its names.
const firstPage = 20
const nextPages = 1000

/** The checkpoints below a prefix in the order of their keys: the latest first within one namespace. */
export async function* listed(objects: Objects, prefix: string, afterBase?: string): AsyncGenerator<Listed> {
  let after = afterBase === undefined ? undefined : behind(afterBase)
  let open: { base: string; checkpointId: string; isThere: boolean; writes: string[] } | undefined
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

function added(
  open: { base: string; checkpointId: string; isThere: boolean; writes: string[] } | undefined,
  { base, checkpointId, isCheckpoint }: ParsedKey,
  info: ObjectInfo,
) {
  const one = open?.base === base ? open : { base, checkpointId, isThere: false, writes: [] as string[] }
  if (isCheckpoint) one.isThere = info.key === checkpointKey(base)
  else one.writes.push(info.key)
  return one
}
