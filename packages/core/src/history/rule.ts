import { isLost, type Pointer } from "../format/pointer.js"

/**
 * The reader's rule, as far as the id alone tells: what retention removed does not count, even if a late request brings
 * it back; and once a store is claimed, nothing counts that the pointer has not reached.
 */
export function counts(id: number, pointer: Pointer): boolean {
  // One that was lost cannot say how far it had come; whose manifests count, the claims still tell.
  if (pointer.claims.length > 0 && !isLost(pointer) && id > pointer.checkpointId) return false
  // Floor 0 says that nothing was removed; a damaged checkpoint 0 is still shown as damaged.
  return pointer.floor === 0 || id > pointer.floor || pointer.kept.has(id)
}

/** The whole rule, for a checkpoint whose manifest is known. `writerEpoch`: of its writer, if it names one. */
export function countsAs(id: number, writerEpoch: number | undefined, pointer: Pointer): boolean {
  return counts(id, pointer) && isOfHistory(id, writerEpoch, pointer)
}

/**
 * The rest of the rule, for which the manifest must be known: what a writer wrote after it was superseded is no part of
 * the history. A manifest without a writer is of epoch 0, and so is one that cannot be read.
 */
export function isOfHistory(id: number, writerEpoch: number | undefined, pointer: Pointer): boolean {
  return pointer.claims.every((claim) => claim.epoch <= (writerEpoch ?? 0) || claim.from >= id)
}
