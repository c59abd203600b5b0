import { Meter, type OnProgress } from "../bytes/progress.js"
import type { Body } from "../storage/backend.js"
import type { StateFeed, StateInfo } from "./feed.js"

/** A part of a state. */
export interface Slice {
  readonly offset: number
  readonly size: number
  readonly checksum: string | undefined
  /** A whole object is also checked for its length. */
  readonly whole: boolean
}

/** Told of every chunk that is handed over: bytes of the slice so far. */
export type OnRead = (slice: Slice, bytesDone: number) => void

/** Of one slice by itself; it may be read several times. */
export function sliceProgress(onProgress: OnProgress | undefined): OnRead {
  const meter = new Meter(onProgress, "read")
  let before = 0
  return ({ size }, bytesDone) => {
    if (bytesDone <= before) meter.restart()
    before = bytesDone
    if (bytesDone < size) meter.reached(bytesDone, size)
    else meter.end(size)
  }
}

/** Of a whole state, of which slices are read in any order; what is read again counts once. */
export function stateProgress(onProgress: OnProgress | undefined, stateSize: number): OnRead {
  const meter = new Meter(onProgress, "read")
  const slices = new Map<number, number>()
  let whole = 0
  let inSlices = 0
  return ({ offset, whole: isWhole }, bytesDone) => {
    if (isWhole) whole = Math.max(whole, bytesDone)
    else {
      const more = bytesDone - (slices.get(offset) ?? 0)
      if (more > 0) {
        inSlices += more
        slices.set(offset, bytesDone)
      }
    }
    const done = Math.max(whole, inSlices)
    if (done < stateSize) meter.reached(done, stateSize)
    else meter.end(stateSize)
  }
}

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
