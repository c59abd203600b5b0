import type { Clock } from "../async/clock.js"

/** A connection that carries this much needs no help: bytes a millisecond, 64 MB/s. */
const enough = 64_000
/**
 * A rate is taken over so many milliseconds of waiting. Shorter, and it would be that of one burst, or of a moment in which the
 * server had no processor.
 */
const sampleMs = 150

/**
 * How many connections one read may use. It begins with one. Their number is doubled where the line of each is what the reader
 * waits for, and only while the connections that were added last brought at least half of their share: where the server or the
 * whole line is at its limit, more connections bring nothing.
 *
 * Only the time in which the reader waits counts. A reader that is slower than its line waits for nothing, and needs nothing.
 */
export class Connections {
  readonly #most: number
  #allowed = 1
  /** Bytes a millisecond with half of the connections. */
  #before = 0
  /** The new connections have brought nothing yet: neither the way to the server nor the way back is a rate. */
  #isOpening = true
  #bytes = 0
  #waitedMs = 0

  /** @param most connections */
  constructor(most: number) {
    this.#most = most
  }

  /** Connections that may be in use now. */
  get allowed(): number {
    return this.#allowed
  }

  /** Bytes came, on any connection. `isFirst`: the first ones of an answer. */
  arrived(bytes: number, isFirst: boolean): void {
    if (!this.#isOpening) this.#bytes += bytes
    else if (isFirst) {
      this.#isOpening = false
      this.#restart()
    }
  }

  /** Waits for what comes to the reader. */
  async wait<T>(clock: Pick<Clock, "monotonic">, coming: Promise<T>): Promise<T> {
    const since = clock.monotonic()
    const came = await coming
    this.#waited(clock.monotonic() - since)
    return came
  }

  #waited(ms: number): void {
    if (this.#isOpening) return
    this.#waitedMs += ms
    if (this.#waitedMs < sampleMs) return
    const rate = this.#bytes / this.#waitedMs
    this.#restart()
    if (this.#allowed === this.#most || rate >= enough * this.#allowed || rate < 1.5 * this.#before) return
    this.#before = rate
    this.#allowed = Math.min(2 * this.#allowed, this.#most)
    this.#isOpening = true
  }

  #restart(): void {
    this.#bytes = 0
    this.#waitedMs = 0
  }
}
