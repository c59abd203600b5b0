import type { Clock } from "../async/clock.js"

/** A connection that carries this much needs no help: bytes a millisecond, 64 MB/s. */
const enough = 64_000
/**
 * A rate is taken over so many milliseconds of waiting. Shorter, and it would be that of one burst, or of a moment in which the
 * server had no processor.
 */
const sampleMs = 200

/**
 * How many connections one read may use. It begins with one. Another one is added only where the line of each is what the
 * reader waits for, and only while the last one that was added brought at least half of its share: where the server or
 * the whole line is at its limit, more connections bring nothing.
 *
 * Only the time in which the reader waits counts. A reader that is slower than its line waits for nothing, and needs nothing.
 */
export class Connections {
  readonly #most: number
  #allowed = 1
  /** Bytes a millisecond with one connection less. */
  #before = 0
  /** The newest connection has brought nothing yet: neither its way to the server nor its way back is a rate. */
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
    if (this.#allowed === this.#most || rate >= enough * this.#allowed || rate < this.#worthwhile()) return
    this.#before = rate
    this.#allowed++
    this.#isOpening = true
  }

  /** The rate from which the last connection that was added has brought half of its share. */
  #worthwhile(): number {
    const others = this.#allowed - 1
    return others === 0 ? 0 : this.#before * (1 + 0.5 / others)
  }

  #restart(): void {
    this.#bytes = 0
    this.#waitedMs = 0
  }
}
