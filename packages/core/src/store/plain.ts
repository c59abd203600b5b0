import { repair } from "../history/repair.js"
import { type OperationOptions, operationShape } from "../options.js"
import type { CheckpointStore, LeaderStore } from "./api.js"
import { claimStore } from "./claim.js"
import { Leader } from "./leader.js"
import { Store } from "./store.js"

/** A store as it is opened. */
export class PlainStore extends Store implements CheckpointStore {
  claim(options: OperationOptions = {}): Promise<LeaderStore> {
    return this.#claim(options, undefined)
  }

  /** Claims for a caller who never sees this store: the leader closes it, and so does a claim that fails. */
  async claimAtOnce(options: OperationOptions): Promise<LeaderStore> {
    try {
      return await this.#claim(options, this)
    } catch (error) {
      // Why there is no leader says more than a failure to close.
      await this.close().catch(() => {})
      throw error
    }
  }

  #claim(options: OperationOptions, closesWith: PlainStore | undefined): Promise<LeaderStore> {
    return this.calls.write("claim", undefined, options, operationShape, async () => {
      const { given, ...claimed } = await claimStore(this.history, this.options, options.signal)
      return new Leader({ ...this.options, ...claimed }, given, closesWith)
    })
  }

  repair(options: OperationOptions = {}): Promise<boolean> {
    return this.calls.write("repair", undefined, options, operationShape, () => repair(this.history, options.signal))
  }
}
