import { Meter, type OnProgress } from "../bytes/progress.js"
import type { Body } from "../storage/backend.js"
import type { StateFeed, StateInfo } from "./feed.js"

/** A part of a state, or all of it. */
export interface StateSlice {
  readonly offset: number
  readonly size: number
  /** SHA-256 of the slice, if it is known. */
  readonly checksum: string | undefined
  /** The checksum may also be of these bytes followed by the slice. */
  readonly prefix?: Uint8Array | undefined
  /** True for a whole state: then the stored object must have exactly `size` bytes. */
  readonly whole: boolean
}

/** Called for every chunk that is handed over. `bytesDone`: bytes of the slice so far. */
export type OnRead = (slice: StateSlice, bytesDone: number) => void

/** The progress of one slice, which may be read several times. */
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

/** The progress of a whole state, whose slices are read in any order. A slice that is read twice counts once. */
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

  /** Tells the total. `undefined`: there is no state, and nothing is told. */
  end(info: StateInfo | undefined): void {
    if (info !== undefined) this.#meter.end(info.size)
  }

  /** The same feed; its progress is told. */
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

  /** An array stays an array, since a backend may read an array again. */
  #watched(body: Body, size: number | undefined): Body {
    if (!(Symbol.asyncIterator in body)) return body
    const chunks = body[Symbol.asyncIterator]()
    let taken = 0
    // The backend has taken a chunk when it asks for the next. The last chunk is told by `end`.
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
