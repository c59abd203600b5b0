/**
 * The rule: which checkpoints count. A checkpoint counts if all of these hold:
 *
 * 1. Its id is above `floor`, or in `kept`. Retention removed every other id up to the floor, and a late request may
 *    bring such a manifest back.
 * 2. Its id is at or below `checkpointId`, the end of the history. This holds only for a pointer with claims; without
 *    claims, a checkpoint counts as soon as its manifest is there.
 * 3. Every claim with an epoch above the writer's has a `from` at or above its id. If not, that claim superseded the
 *    writer before the manifest became part of the history.
 *
 * Example: the claims are `{ epoch: 1, from: 5 }` and `{ epoch: 2, from: 8 }`, and `checkpointId` is 10. Manifest 8 of
 * writer epoch 1 counts. Manifest 9 of epoch 1 does not: the history of epoch 1 ends at 8. Manifest 11 of epoch 2 does
 * not count yet: the pointer has not reached it.
 */

import { isLost, type Pointer } from "../format/pointer.js"

/** Parts 1 and 2 of the rule, which need the id alone. */
export function mayCount(id: number, pointer: Pointer): boolean {
  // A lost pointer does not say where the history ends. Its claims, read from their own objects, still say whose
  // manifests count.
  if (pointer.claims.length > 0 && !isLost(pointer) && id > pointer.checkpointId) return false
  // Floor 0: nothing was removed. So id 0 passes, and a damaged checkpoint 0 is shown as damaged.
  return pointer.floor === 0 || id > pointer.floor || pointer.kept.has(id)
}

/** The whole rule. `writerEpoch`: see {@link isOfHistory}. */
export function counts(id: number, writerEpoch: number | undefined, pointer: Pointer): boolean {
  return mayCount(id, pointer) && isOfHistory(id, writerEpoch, pointer)
}

/**
 * Part 3 of the rule, which needs the manifest.
 *
 * @param writerEpoch the epoch of the manifest's writer, 0 for a plain writer; `undefined` if the manifest cannot be read.
 *   Then no claim rules it out: a damaged checkpoint of the leader must be told, and must not pass for another's
 */
export function isOfHistory(id: number, writerEpoch: number | undefined, pointer: Pointer): boolean {
  if (writerEpoch === undefined) return true
  return pointer.claims.every((claim) => claim.epoch <= writerEpoch || claim.from >= id)
}
