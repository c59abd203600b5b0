import { together } from "../async/concurrency.js"
import { BackendError, type CheckpointError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { Current } from "../history/current.js"
import type { History } from "../history/history.js"
import { assertUsable, claimEnded, fenced, lastUsable, leads, unreliable, whyUnreliable } from "../history/lead.js"
import { counts, mayCount } from "../history/rule.js"
import { writerEpochOf } from "../verify/read-manifest.js"
import type { Created } from "./at-once.js"
import type { Committed } from "./job.js"
import { conflict, unknownOutcome } from "./outcome.js"

/**
 * To be called before a save writes: this store may write, and the id is free to count. The history that is remembered will
 * do, since the history is read again before the save is acknowledged.
 */
export async function assertMayWrite(history: History, id: number, signal: AbortSignal | undefined): Promise<void> {
  const current = lastUsable(history) ?? (await history.current(signal))
  assertUsable(history, current)
  if (!mayCount(id, current.record)) throw dead(history, id, current)
}

/**
 * Acknowledges a save whose manifest is there, if the checkpoint counts. The history is read after the manifest was created:
 * whatever was removed or claimed before is seen. The pointer is moved at the same time.
 *
 * @throws {CheckpointError} `CKPT_CONFLICT` if retention removed the id, `CKPT_FENCED` if another writer leads and did not
 *   keep the checkpoint, `CKPT_UNKNOWN_OUTCOME` if the history cannot be read, or is not the history that it was
 */
export async function acknowledge(history: History, { manifest, outcome, latest }: Created): Promise<Committed> {
  const id = manifest.checkpointId
  const moving = latest ?? history.pointer.advance(id, history.lineage !== undefined)
  const [named] = await together([moving, assertCounts(history, manifest)])
  // The pointer was moved on a newer one, which says that there is a history: without it nobody knows whether the save counts.
  if (history.lineage === undefined && history.pointer.saysHistory) await assertCounts(history, manifest)
  return { outcome, isLatest: named === id, manifest, latest: named }
}

async function assertCounts(history: History, manifest: CheckpointManifest): Promise<void> {
  const id = manifest.checkpointId
  // Of a copy that is there, another writer may have written the manifest.
  const writerEpoch = writerEpochOf(manifest)
  try {
    for (
      let current: Current = await history.afterWriting();
      ;
      current = await claimEnded(history, current, undefined)
    ) {
      const { record } = current
      const changed = whyUnreliable(history, current)
      if (changed !== undefined) throw unknownOutcome(history.place, id, unreliable(history, changed))
      const isThere = counts(id, writerEpoch, record)
      if (record.epoch > history.epoch) {
        // A claim that found the manifest has kept it: it was there before the claim.
        if (isThere) return
        throw fenced(history, record)
      }
      if (!leads(history, record))
        throw unknownOutcome(history.place, id, unreliable(history, `another writer has the epoch ${record.epoch}`))
      if (record.claiming !== undefined) continue
      if (isThere) return
      throw dead(history, id, current)
    }
  } catch (error) {
    throw error instanceof BackendError ? unknownOutcome(history.place, id, error) : error
  }
}

function dead({ place, epoch }: History, id: number, { record }: Current): CheckpointError {
  const why = epoch === 0 ? `retention removed ids up to ${record.floor}` : `ids up to ${record.floor} are used up`
  return conflict(place, id, why)
}
