import type { ParallelRanges } from "./backend.js"

export interface PlannedRange {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/**
 * Which part of an object comes by which request. At first one answer brings everything. With the first range that answer is cut,
 * and ranges follow behind the cut, each behind the one before.
 */
export class RangePlan {
  readonly #ranges: ParallelRanges
  readonly #shortest: number
  /** The end of the first answer, once it is cut. */
  readonly cut = { at: Number.POSITIVE_INFINITY }
  /** Where the next range begins; `undefined`: the first answer brings everything. */
  #asked: number | undefined
  #longest: number

  constructor(ranges: ParallelRanges) {
    this.#ranges = ranges
    this.#shortest = Math.ceil(ranges.bytes / 8)
    this.#longest = this.#shortest
  }

  /**
   * The next range; `undefined` if none is left to ask for, or no memory for it.
   *
   * @param given bytes before this one were handed to the reader
   * @param end of the object, or of what is read of it
   */
  next(given: number, end: number): PlannedRange | undefined {
    const start = this.#asked ?? given + this.#share(end - given, this.#ranges.bytes)
    const last = Math.min(end, start + this.#share(end - start, this.#longest))
    // For less than that nothing is gained by a cut.
    if (this.#asked === undefined && start + this.#shortest > end) return undefined
    if (start === end || last - given > this.#ranges.bytes * this.#ranges.concurrency) return undefined
    if (this.#asked === undefined) this.cut.at = start
    this.#asked = last
    this.#longest = Math.min(2 * this.#longest, this.#ranges.bytes)
    return { start, end: last }
  }

  /** An equal part of what is left for each connection, so that all end together; not so short that round trips count. */
  #share(left: number, longest: number): number {
    return Math.min(longest, Math.max(2 * this.#shortest, Math.ceil(left / this.#ranges.concurrency)))
  }
}
