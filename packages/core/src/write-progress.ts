import type { Body } from "./backend.js"
import { Meter, type OnProgress } from "./progress.js"
import type { StateFeed, StateInfo } from "./state-source.js"

/** Tells how much of a state the backend has taken, and the total once its checkpoint is saved. */
export class WriteProgress {
  readonly #onProgress: OnProgress | undefined
  readonly #meter: Meter

  constructor(onProgress: OnProgress | undefined) {
    this.#onProgress = onProgress
    this.#meter = new Meter(onProgress, "write")
  }

  /** Nothing without a state. */
  end(info: StateInfo | undefined): void {
    if (info !== undefined) this.#meter.end(info.size)
  }

  /** The same feed, watched. */
  watch(feed: StateFeed): StateFeed {
    if (this.#onProgress === undefined) return feed
    return {
      size: feed.size,
      open: (watch) => this.#watched(feed.open(watch), feed.size),
      reopenable: () => feed.reopenable(),
      drain: () => feed.drain(),
      info: () => feed.info(),
      close: () => feed.close(),
    }
  }

  /** A body in memory stays one, which a backend may read again. */
  #watched(body: Body, size: number | undefined): Body {
    if (!(Symbol.asyncIterator in body)) return body
    const chunks = body[Symbol.asyncIterator]()
    let taken = 0
    // What was handed over last is taken when the next is asked for; of the last chunk `end` tells.
    let last = 0
    return {
      ...body,
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          const step = await chunks.next()
          if (step.done) return step
          taken += last
          last = step.value.length
          this.#meter.reached(taken, size)
          return step
        },
        return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
      }),
    }
  }
}
