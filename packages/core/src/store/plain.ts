import { repair } from "../history/repair.js"
import { type OperationOptions, operationShape } from "../options.js"
import type { CheckpointStore, LeaderStore } from "./api.js"
import { claimStore } from "./claim.js"
import { Leader } from "./leader.js"
import { Store } from "./store.js"

/** A store as it is opened. */
export class PlainStore extends Store implements CheckpointStore {
  /** Of a claim that came in the same turn as the abort of its caller. */
  #givenUp: Promise<void> = Promise.resolve()

  claim(options: OperationOptions = {}): Promise<LeaderStore> {
    return this.#claim(options)
  }

  /** Claims for a caller who never sees this store: the leader closes it, and so does a claim that fails. */
  async claimAtOnce(options: OperationOptions): Promise<LeaderStore> {
    try {
      const leader = await this.#claim(options)
      leader.closesToo(this)
      return leader
    } catch (error) {
      // Why there is no leader says more than a failure to close. Whoever gave up does not wait for a storage that hangs.
      const closed = this.#givenUp.then(() => this.close()).catch(() => {})
      if (options.signal?.aborted !== true) await closed
      throw error
    }
  }

  async #claim(options: OperationOptions): Promise<Leader> {
    const { signal } = options
    let leader: Leader | undefined
    const giveUp = async () => leader?.release().catch(() => {})
    try {
      return await this.calls.write("claim", undefined, options, operationShape, async () => {
        const { given, ...claimed } = await claimStore(this.history, this.options, signal)
        leader = new Leader({ ...this.options, ...claimed }, given)
        if (signal?.aborted) await giveUp()
        return leader
      })
    } catch (error) {
      this.#givenUp = giveUp()
      throw error
    }
  }

  repair(options: OperationOptions = {}): Promise<boolean> {
    return this.calls.write("repair", undefined, options, operationShape, () => repair(this.history, options.signal))
  }
}
