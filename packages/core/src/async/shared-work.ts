import { untilAborted } from "./abort.js"

interface Running {
  readonly stop: AbortController
  readonly ended: Promise<void>
  waiting: number
}

/**
 * Work that is done once for all who ask for it while it is under way. An abort ends the wait of its caller alone, as long as others
 * wait; of the last caller it ends the work, and then the wait, so that nothing goes on for nobody.
 */
export class SharedWork {
  readonly #work: (signal: AbortSignal) => Promise<void>
  #running: Running | undefined

  constructor(work: (signal: AbortSignal) => Promise<void>) {
    this.#work = work
  }

  /** Settles as the work does. After an abort of `signal` it rejects with the signal's reason. */
  async done(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    this.#running ??= this.#begin()
    const running = this.#running
    running.waiting++
    try {
      await untilAborted(running.ended, signal)
    } catch (error) {
      if (!signal?.aborted || running.waiting > 1) throw error
      // Whoever comes now begins anew.
      if (this.#running === running) this.#running = undefined
      running.stop.abort(error)
      await running.ended.catch(() => {})
      throw error
    } finally {
      running.waiting--
    }
  }

  #begin(): Running {
    const stop = new AbortController()
    const running: Running = {
      stop,
      waiting: 0,
      ended: this.#work(stop.signal).finally(() => {
        if (this.#running === running) this.#running = undefined
      }),
    }
    running.ended.catch(() => {})
    return running
  }
}
