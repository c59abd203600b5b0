/**
 * The rule: which checkpoints count.
 *
 *     counts(M) = M.id ≤ floor ? M.id in kept : M's epoch = the history's epoch
 *
 * Up to the floor the history names every checkpoint that counts: whatever else comes there, however late, is dead. Above
 * the floor a checkpoint counts if the leader of now wrote it; on a store that nobody claimed, if a plain writer did.
 *
 * Example: floor 8, kept 1-3 8, epoch 2. Manifests 3 and 8 count, whoever wrote them. Manifest 5 was removed, or written by a
 * superseded writer. Manifest 9 of epoch 2 counts; manifest 10 of epoch 1 never does.
 */

import type { HistoryRecord } from "../format/history-record.js"
import type { IdRanges } from "../format/id-ranges.js"

/**
 * The whole rule.
 *
 * @param writerEpoch the epoch of the manifest's writer, 0 for a plain writer; `undefined` if the manifest cannot be read.
 *   Then no epoch rules it out: a damaged checkpoint of the leader must be told, and must not pass for another's
 */
export function counts(id: number, writerEpoch: number | undefined, history: HistoryRecord): boolean {
  if (isUpToFloor(id, history)) return history.kept.has(id)
  return writerEpoch === undefined || writerEpoch === history.epoch
}

/** The part of the rule that needs the id alone. False: nothing of this id counts, now or later. */
export function mayCount(id: number, history: HistoryRecord): boolean {
  return !isUpToFloor(id, history) || history.kept.has(id)
}

/** Floor 0: nothing was removed. So id 0 lies above it, and a damaged checkpoint 0 is shown as damaged. */
function isUpToFloor(id: number, { floor }: HistoryRecord): boolean {
  return floor > 0 && id <= floor
}

/**
 * What is kept under a higher floor. A pin of a checkpoint that is not listed stays, too: its manifest may come back. So do ids
 * that were kept and are not listed, since a listing that lags must remove nothing.
 *
 * @param counting the listed ids between the two floors that count
 */
export function keptUpTo(
  floor: number,
  { floor: before, kept, pins }: HistoryRecord,
  counting: readonly number[],
): IdRanges {
  return kept.with([...counting, ...pins.values()].filter((id) => id > before && id <= floor))
}
