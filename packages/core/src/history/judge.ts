import { mapConcurrently } from "../async/concurrency.js"
import type { HistoryRecord } from "../format/history-record.js"
import { oldestFirst } from "../format/ids.js"
import { epochsOf } from "../verify/read-manifest.js"
import type { Verifier } from "../verify/verifier.js"
import type { Listing } from "./listing.js"
import { counts, mayCount } from "./rule.js"

/** Says which checkpoints count. */
export interface Judge {
  /** False: nothing of this id counts, now or later. */
  mayCount(id: number): boolean
  /** `writerEpoch`: 0 for a plain writer, `undefined` if the manifest cannot be read. */
  counts(id: number, writerEpoch: number | undefined): boolean
}

/** Judges by the history: the rule. */
export function byHistory(record: HistoryRecord): Judge {
  return {
    mayCount: (id) => mayCount(id, record),
    counts: (id, writerEpoch) => counts(id, writerEpoch, record),
  }
}

interface ByManifests extends Judge {
  /** The highest epoch that a manifest carries. */
  readonly epoch: number
  /** The ids that count, ascending, also of manifests that cannot be read. */
  readonly counting: readonly number[]
  /** The highest id that counts and can be read; 0 if there is none. */
  readonly sound: number
}

/**
 * Judges by the manifests alone, for a history that is lost: a manifest counts unless a manifest with a lower id carries a
 * higher epoch. Its writer, or the leader that recovered it, was then given the lead before the higher id was written. What
 * was removed cannot be known, so whatever is there counts.
 */
export async function byManifests(
  verifier: Verifier,
  { manifests }: Listing,
  signal: AbortSignal | undefined,
): Promise<ByManifests> {
  const ids = oldestFirst(manifests.keys())
  const found = await mapConcurrently(ids, async (id) => {
    const one = await verifier.manifest(id, signal)
    return one && { id, epochs: epochsOf(one.manifest) }
  })
  // The highest epoch that any id up to this one carries, where it rises.
  const rises: { readonly id: number; readonly epoch: number }[] = []
  const counting: number[] = []
  let sound = 0
  for (const one of found) {
    if (one === undefined) continue
    const { id, epochs } = one
    const below = rises.at(-1)?.epoch ?? 0
    if (epochs === undefined || epochs.writer >= below) counting.push(id)
    if (epochs !== undefined && epochs.writer >= below) sound = id
    if (epochs !== undefined && epochs.carries > below) rises.push({ id, epoch: epochs.carries })
  }
  const below = (id: number) => rises.findLast((rise) => rise.id < id)?.epoch ?? 0
  return {
    epoch: rises.at(-1)?.epoch ?? 0,
    counting,
    sound,
    mayCount: () => true,
    counts: (id, writerEpoch) => writerEpoch === undefined || writerEpoch >= below(id),
  }
}
