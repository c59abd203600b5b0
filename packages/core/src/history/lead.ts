/**
 * Who may write: the writer that the history names, as long as nobody claims. A plain store writes while the epoch is 0.
 */

import { BackendError, CheckpointError } from "../errors.js"
import type { HistoryRecord } from "../format/history-record.js"
import type { Current } from "./current.js"
import type { History } from "./history.js"

/** A claim that has not ended after so many milliseconds is taken out: its process died, or stands still. */
const claimPatienceMs = 10_000
const firstWaitMs = 50
const longestWaitMs = 1_000

/** True if this store's writer is the writer that the history names. */
export function leads({ epoch, lead }: History, record: HistoryRecord): boolean {
  return record.epoch === epoch && record.writer === lead?.writer
}

/** @throws {CheckpointError} `CKPT_FENCED` unless this store's writer leads */
function assertLeads(history: History, record: HistoryRecord): void {
  if (!leads(history, record)) throw fenced(history, record)
}

/** Why this store can rely on the history no more: it is lost, or it is not the history that this store has worked with. */
export function whyUnreliable(history: History, current: Current): string | undefined {
  if (current.lost !== undefined) return current.lost
  if (isAnother(history, current)) return "another history is in its place"
  return current.record.epoch < history.epoch ? `it is back at epoch ${current.record.epoch}` : undefined
}

/** True if a sound history of another lineage is there: of another disk that is mounted here now, or built anew by another process. */
function isAnother({ lineage }: History, { lost, version, record }: Current): boolean {
  return lost === undefined && version !== undefined && lineage !== undefined && record.lineage !== lineage
}

/** The history that this store saw last, if this store may write by it. If not, the history of now may say more. */
export function lastUsable(history: History): Current | undefined {
  const { last } = history.file
  if (last === undefined || whyUnreliable(history, last) !== undefined) return undefined
  return leads(history, last.record) ? last : undefined
}

/**
 * The history, to be changed by this store: it is sound, this store's writer leads, and nobody is claiming. Waits for a
 * claim that is being made, and takes it out if it does not end.
 *
 * @param remembered the history that this store saw last will do
 * @throws {CheckpointError} `CKPT_FENCED` if another writer leads, `CKPT_CORRUPT` if the history is lost
 */
export async function changeable(
  history: History,
  signal: AbortSignal | undefined,
  remembered = false,
): Promise<Current> {
  let current: Current = (remembered ? lastUsable(history) : undefined) ?? (await history.current(signal))
  for (;;) {
    assertUsable(history, current)
    if (current.record.claiming === undefined) return current
    current = await claimEnded(history, current, signal)
  }
}

/**
 * @throws {CheckpointError} `CKPT_CORRUPT` if the history is lost, or another is in its place; `CKPT_FENCED` if another
 *   writer leads
 */
export function assertUsable(history: History, current: Current): void {
  // A claim builds a lost history anew: whoever was superseded hears of that.
  if (current.lost === undefined && current.record.epoch > history.epoch) throw fenced(history, current.record)
  const changed = whyUnreliable(history, current)
  if (changed !== undefined) throw isAnother(history, current) ? anotherHistory(history) : lostHistory(history, changed)
  assertLeads(history, current.record)
}

/** Resolves once a claim that is being made has ended, one way or the other. Gives the history after it. */
export async function claimEnded(history: History, seen: Current, signal: AbortSignal | undefined): Promise<Current> {
  const { storage } = history.place
  const claim = seen.record.claiming
  const started = storage.clock.monotonic()
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
    await storage.clock.sleep(waitMs, signal)
    const current = await history.current(signal)
    const now = current.record.claiming
    if (now === undefined || now.writer !== claim?.writer) return current
    if (storage.clock.monotonic() - started < claimPatienceMs) continue
    const without = await history.change(current, { ...current.record, claiming: undefined }, signal)
    if (without === undefined) return history.current(signal)
    history.emit({ type: "claim-abandoned", epoch: now.epoch })
    return without
  }
}

/** The error of a writer that does not lead: who leads, and what to do. */
export function fenced({ lead, place }: History, { epoch, writer }: HistoryRecord): CheckpointError {
  const who =
    lead === undefined
      ? "this store was opened without a claim"
      : `this store writes under claim ${lead.epoch}, which was superseded or given up`
  const now = writer === undefined ? `nobody leads (the last claim was ${epoch})` : `claim ${epoch} leads`
  const message = `${who}: ${now}. Stop writing. To lead, call claim() and recover on the store that it gives.`
  return new CheckpointError("CKPT_FENCED", message, { backend: place.backend })
}

/** Why nobody knows the outcome of a write that is done: the history that would tell cannot be relied on. */
export function unreliable({ file }: History, why: string): BackendError {
  return new BackendError("ambiguous", `${file.key} cannot be relied on: ${why}`)
}

/** The error of a write that needs the history, which is lost. */
function lostHistory({ file, place }: History, reason: string): CheckpointError {
  const message =
    `${file.key} is lost: ${reason}. Nothing was changed or removed. claim() builds it anew; without claims, repair() does. ` +
    "What was pinned is forgotten."
  return new CheckpointError("CKPT_CORRUPT", message, { key: file.key, backend: place.backend })
}

/** The error of a write to a place where another history is now. This store stays refused: what it knows is not true there. */
function anotherHistory({ file, place }: History): CheckpointError {
  const message =
    `${file.key} is another history than the one that this store worked with: another disk or bucket is in its place, or the ` +
    "history was lost and built anew. Nothing was changed or removed. If this is the right place, open a new store and recover."
  return new CheckpointError("CKPT_CORRUPT", message, { key: file.key, backend: place.backend })
}

/** Another writer changed the history each time. */
export function outpaced({ file, place }: History, what: string): CheckpointError {
  const cause = new BackendError("precondition", `${file.key} was changed by others each time`)
  const message = `${what} found ${file.key} changed by other writers each time, and removed or changed nothing. Call it again.`
  return new CheckpointError("CKPT_CONFLICT", message, {
    key: file.key,
    backend: place.backend,
    retryable: true,
    cause,
  })
}

/** So often a change of the history is begun anew: each time another writer's change came first. */
export const maxChanges = 16
