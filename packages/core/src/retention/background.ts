import type { Emit } from "../events.js"
import type { PruneReport } from "./prune.js"

/**
 * Retention after saves. No save waits for it. There is one run at a time; if saves end during a run, one more run
 * follows. A failure is an event, and the next run tries again.
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
    if (this.#running === undefined) this.#start()
    else this.#due = true
  }

  /**
   * Waits for the run under way, and for the next run if it is due now. So a caller sees the retention of all saves
   * before its call. It does not wait for the runs of later saves, which might never end.
   */
  async idle(): Promise<void> {
    for (let runs = this.#due ? 2 : 1; runs > 0 && this.#running !== undefined; runs--) await this.#running
  }

  #start(): void {
    this.#due = false
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      if (this.#due) this.#start()
    })
  }

  async #run(): Promise<void> {
    try {
      const failure = (await this.#prune()).failures[0]
      if (failure !== undefined) this.#emit({ type: "retention-failed", error: failure.error })
    } catch (error) {
      this.#emit({ type: "retention-failed", error })
    }
  }
}
