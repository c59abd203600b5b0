import { Mutex } from "../async/mutex.js"
import { CheckpointError } from "../errors.js"
import {
  decodeHistory,
  encodeHistory,
  type HistoryRecord,
  maxGrownBytes,
  maxHistoryBytes,
  newHistoryId,
  noHistory,
} from "../format/history-record.js"
import { newToken } from "../format/ids.js"
import type { Place } from "../storage/place.js"
import { ownVersionRefused, swap } from "../storage/swap.js"

/** The history as it was read. */
export interface StoredHistory {
  /** {@link noHistory} if there is no object, or it cannot be used. */
  readonly record: HistoryRecord
  /** Of the object; `undefined` if there is none, or something is in its place that is no object. */
  readonly version: string | undefined
  /** Of the object, in bytes; 0 if there is none. */
  readonly size: number
  /** Why the object cannot be used. Absent if it can, or if there is none. */
  readonly problem?: string
}

/** The object `history.json` of one store. Every change of it is a compare-and-swap, with a new token. */
export class HistoryFile {
  readonly #place: Place
  readonly #changes = new Mutex()
  #last: StoredHistory | undefined

  constructor(place: Place) {
    this.#place = place
  }

  get key(): string {
    return this.#place.layout.historyKey
  }

  /**
   * The history as this store last found or wrote it, if it was not lost. It may be older than the storage's: only a swap
   * that succeeds on it shows that it was not.
   */
  get last(): StoredHistory | undefined {
    return this.#last
  }

  /** Remembers a history that was found not to be lost; `undefined`: forgets it. */
  remember(stored: StoredHistory | undefined): void {
    this.#last = stored
  }

  /**
   * The history as it is now, from the storage.
   *
   * @throws {CheckpointError} `CKPT_UNSUPPORTED` if a newer release wrote it
   */
  async read(signal: AbortSignal | undefined): Promise<StoredHistory> {
    return (await this.#read(signal)).stored
  }

  async #read(signal: AbortSignal | undefined): Promise<{ stored: StoredHistory; token?: string }> {
    const unusable = (version: string | undefined, problem: string, size = 0) => ({
      stored: { record: noHistory, version, size, problem },
    })
    const found = await this.#place.storage.readOrDamage(this.key, maxHistoryBytes, signal)
    if (found === undefined) return { stored: { record: noHistory, version: undefined, size: 0 } }
    if ("damage" in found) return unusable(found.version, found.damage)
    const { version, size } = found.meta
    if (found.bytes === undefined) return unusable(version, `it has ${size} bytes, more than ${maxHistoryBytes}`, size)
    const decoded = decodeHistory(found.bytes)
    if (decoded.record !== undefined) return { stored: { record: decoded.record, version, size }, token: decoded.token }
    if (decoded.isNewer !== true) return unusable(version, decoded.problem, size)
    const message = `${this.key} cannot be used: ${decoded.problem}. Use the release that wrote it, or a later one.`
    throw new CheckpointError("CKPT_UNSUPPORTED", message, { key: this.key, backend: this.#place.backend })
  }

  /**
   * Replaces the history that was read by another. `undefined`: the object has changed since, and nothing was done.
   *
   * @throws {BackendError} if nobody knows whether it was replaced, or it certainly was not for another reason
   * @throws {CheckpointError} `CKPT_INVALID` if the history would be too large; nothing was changed
   */
  replace(current: StoredHistory, next: HistoryRecord): Promise<StoredHistory | undefined> {
    // One change at a time within this store: two at once would only lose swaps to each other.
    return this.#changes.run(() => this.#replace(current, next))
  }

  async #replace(current: StoredHistory, next: HistoryRecord): Promise<StoredHistory | undefined> {
    const { version, problem } = current
    if (version === undefined && problem !== undefined) {
      const message = `${this.key} is not an object, and cannot be replaced (${problem}). Nothing was changed. Move it away, and try again.`
      throw new CheckpointError("CKPT_CORRUPT", message, { key: this.key, backend: this.#place.backend })
    }
    const record = next.lineage === "" ? { ...next, lineage: newHistoryId() } : next
    const token = newToken()
    const bytes = encodeHistory(record, token)
    const limit = limitOf(current, next)
    if (bytes.length > limit) throw this.#tooLarge(bytes.length, limit)
    this.#last = undefined
    const swapped = await swap(this.#place.storage, this.key, version, bytes)
    if (swapped.outcome === "done") return this.#know({ record, version: swapped.meta.version, size: bytes.length })
    const found = await this.#read(undefined)
    if (found.token === token) {
      if (swapped.lost !== undefined) await this.#place.storage.confirm([this.key], swapped.lost, undefined)
      return this.#know(found.stored)
    }
    if (swapped.lost !== undefined) throw swapped.lost
    const refused = ownVersionRefused(this.key, version, found.stored.version)
    if (refused !== undefined) throw refused
    return undefined
  }

  #know(stored: StoredHistory): StoredHistory {
    this.#last = stored
    return stored
  }

  #tooLarge(bytes: number, limit: number): CheckpointError {
    const message =
      `${this.key} would have ${bytes} bytes, more than ${limit}, so nothing was changed or removed. It lists the ids ` +
      "that stay among removed ones: keep runs of consecutive checkpoints (last, withinMs), keep fewer by every or keepIf, or unpin."
    return new CheckpointError("CKPT_INVALID", message, { key: this.key, backend: this.#place.backend })
  }
}

/** The most bytes of the next history. A change that makes a large one smaller is never refused: it is the way out. */
function limitOf({ record, size }: StoredHistory, next: HistoryRecord): number {
  const isClaim = next.claiming !== undefined || next.epoch > record.epoch
  return isClaim ? maxHistoryBytes : Math.max(maxGrownBytes, size)
}
