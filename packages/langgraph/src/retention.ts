import { CheckpointError } from "@ckpt/core"
import type { Context } from "./context.js"
import type { PrunedThread, PruneThreadOptions } from "./rules.js"

/** A prune of a short thread takes some fifteen requests. After so many checkpoints that is little beside their own. */
const leastPuts = 50

// Those that were put into last. Of any other thread the process begins anew.
const mostThreads = 10_000

/**
 * Prunes threads after puts. No put waits for it. There is one run at a time: a thread whose turn comes during a run has it at its next
 * put. A failure is an event, and a later run tries again.
 *
 * A run reads each checkpoint of its thread. So the next run of the thread comes after as many puts as checkpoints stayed, and reads at
 * most two for each put.
 */
export class Retention {
  readonly #prune: (threadId: string) => Promise<PrunedThread>
  readonly #tell: Context["tell"]
  readonly #random: () => number
  readonly #first: number
  /** How many puts are left until the next run of a thread. */
  readonly #left = new Map<string, number>()
  #isRunning = false

  constructor(
    rules: PruneThreadOptions,
    prune: (threadId: string) => Promise<PrunedThread>,
    { tell, random }: { tell: Context["tell"]; random: () => number },
  ) {
    this.#prune = prune
    this.#tell = tell
    this.#random = random
    this.#first = Math.max(leastPuts, rules.last ?? 0)
  }

  /** Counts a put, and may begin a run. */
  afterPut(threadId: string): void {
    // A process may live for a few puts alone. So the first run is as likely after each of them.
    const left = this.#left.get(threadId) ?? Math.ceil(this.#random() * this.#first)
    this.#count(threadId, left - 1)
    if (left <= 1 && !this.#isRunning) void this.#run(threadId)
  }

  async #run(threadId: string): Promise<void> {
    this.#isRunning = true
    this.#count(threadId, this.#first)
    try {
      const { left } = await this.#prune(threadId)
      this.#count(threadId, Math.max(leastPuts, left))
    } catch (error) {
      // A saver that is closed begins nothing.
      if (!(error instanceof CheckpointError) || error.code !== "CKPT_CLOSED")
        this.#tell({ type: "retention-failed", threadId, error })
    } finally {
      this.#isRunning = false
    }
  }

  #count(threadId: string, left: number): void {
    this.#left.delete(threadId)
    this.#left.set(threadId, left)
    if (this.#left.size > mostThreads) this.#left.delete(this.#left.keys().next().value as string)
  }
}
