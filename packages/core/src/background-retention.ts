import type { Emit } from "./events.js"
import type { PruneReport } from "./retention.js"

/**
 * Retention after saves: off their path, one run at a time, and one more if saves came meanwhile. Its failures are
 * events, and the next run tries again.
 */
export class BackgroundRetention {
  readonly #prune: () => Promise<PruneReport>
  readonly #emit: Emit
  #running: Promise<void> | undefined
  #due = false

  constructor(prune: () => Promise<PruneReport>, emit: Emit) {
    this.#prune = prune
    this.#emit = emit
  }

  schedule(): void {
    this.#due = true
    this.#running ??= this.#run()
  }

  /** Waits until nothing is due, so that a caller never sees a run half done. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    while (this.#due) {
      this.#due = false
      try {
        const failure = (await this.#prune()).failures[0]
        if (failure !== undefined) this.#emit({ type: "retention-failed", error: failure.error })
      } catch (error) {
        this.#emit({ type: "retention-failed", error })
      }
    }
    this.#running = undefined
  }
}
