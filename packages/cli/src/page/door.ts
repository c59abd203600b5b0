import { untilAborted } from "@ckpt/core/adapter"
import type { OpenedStore } from "../stores/opened.js"

/** A store that is to be served: it need not be there yet. */
export interface StoreToServe {
  /** Its URL, as it was given. */
  readonly url: string
  /** A short name for it. */
  readonly name: string
  /** Opens it. Called again after a failure, whenever somebody looks. */
  open(signal: AbortSignal): Promise<OpenedStore>
}

/** The way to a store: opened when it is first needed, so that the page is there before the storage is. */
export class Door {
  readonly #store: StoreToServe
  readonly #closing = new AbortController()
  #opening: Promise<OpenedStore> | undefined

  constructor(store: StoreToServe) {
    this.#store = store
  }

  get url(): string {
    return this.#store.url
  }

  get name(): string {
    return this.#store.name
  }

  /** The store. Rejects if it cannot be opened, or not before the signal; the next call tries again. */
  open(signal: AbortSignal): Promise<OpenedStore> {
    this.#opening ??= this.#store.open(this.#closing.signal).catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return untilAborted(this.#opening, signal)
  }

  /** Ends an opening that is under way. A store that is open stays open: its opener closes it. */
  close(reason: Error): void {
    this.#closing.abort(reason)
  }
}
