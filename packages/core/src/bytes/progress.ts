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

  /** So many bytes are done. Says nothing if that is no more than what was told: what is done again is no progress. */
  reached(bytesDone: number, bytesTotal: number | undefined): void {
    if (bytesDone > (this.#told?.bytesDone ?? 0)) this.#tell(bytesDone, bytesTotal)
  }

  /** All is done, and nothing more will be told. */
  end(bytesTotal: number): void {
    if (this.#told?.bytesDone !== bytesTotal || this.#told.bytesTotal === undefined) this.#tell(bytesTotal, bytesTotal)
  }

  /** What is done is done once more, from its start. */
  restart(): void {
    this.#told = undefined
  }

  #tell(bytesDone: number, bytesTotal: number | undefined): void {
    this.#told = { phase: this.#phase, bytesDone, ...(bytesTotal === undefined ? {} : { bytesTotal }) }
    if (this.#onProgress === undefined) return
    // A listener's own error is not one of the operation.
    try {
      const result: unknown = this.#onProgress(this.#told)
      if (result instanceof Promise) result.catch(() => {})
    } catch {}
  }
}
