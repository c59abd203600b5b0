import { BackendError } from "../errors.js"
import { release } from "../history/claim.js"
import type { Given } from "../history/current.js"
import { explain } from "../storage/explain.js"
import type { LeaderStore, OpenOptions } from "./api.js"
import { Store } from "./store.js"

/** The store of the one writer. */
export class Leader extends Store implements LeaderStore {
  readonly epoch: number
  #opened: Store | undefined
  #releases = false
  #closing: Promise<void> | undefined

  constructor(options: OpenOptions, given: Given) {
    super(options, given)
    this.epoch = given.lead.epoch
  }

  /** The store that it came from, which nobody else closes. */
  closesToo(opened: Store): void {
    this.#opened = opened
  }

  override close(): Promise<void> {
    this.#closing ??= super.close().finally(() => this.#opened?.close())
    return this.#closing
  }

  async release(): Promise<void> {
    // A store that was closed without it makes no request any more: to say that the lead was given up would be untrue.
    if (!this.#releases) this.history.place.gate.assertOpen("release")
    this.#releases = true
    return this.close()
  }

  protected override async leave(): Promise<void> {
    if (!this.#releases) return
    try {
      await release(this.history, undefined)
    } catch (error) {
      throw error instanceof BackendError ? explain(this.options.backend.name, "release", undefined, error) : error
    }
  }
}
