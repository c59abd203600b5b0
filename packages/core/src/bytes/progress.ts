import { quietly } from "../input/quietly.js"
import type { Progress, ProgressOptions } from "../options.js"

export type OnProgress = NonNullable<ProgressOptions["onProgress"]>

/** Tells how far an operation has come. The last call of each has the exact total. */
export class Meter {
  readonly #onProgress: OnProgress | undefined
  readonly #phase: Progress["phase"]
  #told: Progress | undefined

  constructor(onProgress: OnProgress | undefined, phase: Progress["phase"]) {
    this.#onProgress = onProgress
    this.#phase = phase
  }

  /**
   * Tells that `bytesDone` bytes are done. Silent if as many were told before: work that is done again is no progress.
   */
  reached(bytesDone: number, bytesTotal: number | undefined): void {
    if (bytesDone > (this.#told?.bytesDone ?? 0)) this.#tell(bytesDone, bytesTotal)
  }

  /** Tells that all bytes are done. Silent if this was told before. */
  end(bytesTotal: number): void {
    if (this.#told?.bytesDone !== bytesTotal || this.#told.bytesTotal === undefined) this.#tell(bytesTotal, bytesTotal)
  }

  /** The work begins again from the start, and so does the count. */
  restart(): void {
    this.#told = undefined
  }

  #tell(bytesDone: number, bytesTotal: number | undefined): void {
    this.#told = { phase: this.#phase, bytesDone, ...(bytesTotal === undefined ? {} : { bytesTotal }) }
    const told = this.#told
    quietly(() => this.#onProgress?.(told))
  }
}
