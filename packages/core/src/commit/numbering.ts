import { Mutex } from "../async/mutex.js"
import { CheckpointError } from "../errors.js"
import type { History } from "../history/history.js"
import { assertIdLeft } from "../history/list.js"

/** Which checkpoint a save writes. */
export interface Numbers {
  readonly checkpointId: number
  readonly epoch: number
}

/**
 * The numbers of the next save. The storage is asked once; from then on this store counts by itself. A number is given once, also
 * if its save fails: nobody knows what such a save left.
 */
export class Numbering {
  readonly #history: History
  readonly #turns = new Mutex()
  /** The highest id that this store knows of, and the epoch of its checkpoint. */
  #highest: Numbers = { checkpointId: 0, epoch: 0 }
  #wasAsked = false

  constructor(history: History) {
    this.#history = history
  }

  /** Notes a save that begins. */
  began(numbers: Numbers): void {
    if (numbers.checkpointId > this.#highest.checkpointId) this.#highest = numbers
  }

  /** After a save was told that its id is taken: another writer saves, too, so the storage is asked again. */
  forget(): void {
    this.#wasAsked = false
  }

  /** The id of the next save, after one for which the pointer names `latest`. If no id is left, the last one. */
  after(latest: number): number {
    return Math.min(Math.max(this.#highest.checkpointId, latest) + 1, Number.MAX_SAFE_INTEGER)
  }

  /**
   * Gives the numbers of one save: the next id, and the epoch that is asked for, or else the last one + 1.
   *
   * @throws {CheckpointError} `CKPT_INVALID` if ids or epochs are used up
   */
  take(epoch: number | undefined, signal: AbortSignal | undefined): Promise<Numbers> {
    return this.#turns.run(async () => {
      signal?.throwIfAborted()
      if (!this.#wasAsked) this.began(await this.#ask(signal))
      this.#wasAsked = true
      const checkpointId = assertIdLeft(this.#history, this.#highest.checkpointId + 1)
      this.#highest = { checkpointId, epoch: epoch ?? this.#nextEpoch() }
      return this.#highest
    })
  }

  #nextEpoch(): number {
    const next = this.#highest.epoch + 1
    if (Number.isSafeInteger(next)) return next
    const message = "the epoch of the last checkpoint is 2^53 - 1, so there is no next one; give { epoch }."
    throw new CheckpointError("CKPT_INVALID", message, { backend: this.#history.place.backend })
  }

  /** The highest id that was ever seen here, and the epoch of the latest checkpoint that can be read. */
  async #ask(signal: AbortSignal | undefined): Promise<Numbers> {
    const { verifier, emit } = this.#history
    const view = await this.#history.view(signal)
    const checkpointId = view.nextId(emit) - 1
    for (const id of view.latestFirst()) {
      const found = await verifier.manifest(id, signal)
      if (found?.manifest === undefined) continue
      if ((await view.verdict(id, found, signal)) === "counts") return { checkpointId, epoch: found.manifest.epoch }
    }
    return { checkpointId, epoch: 0 }
  }
}
