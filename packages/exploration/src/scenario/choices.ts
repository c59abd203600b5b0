import type { Random } from "./random.js"

/**
 * The numbers that decide a schedule, one after the other; 0 is the plainest each time. They are drawn and recorded, or
 * read from a record. Beyond the end of the record every number is 0.
 */
export class Choices {
  readonly taken: number[] = []
  readonly #random: Random | undefined
  readonly #recorded: readonly number[]

  constructor(source: Random | readonly number[]) {
    this.#random = Array.isArray(source) ? undefined : (source as Random)
    this.#recorded = Array.isArray(source) ? source : []
  }

  /** A number below `options`: 0 with probability `plain`, else any other; `wished` if that is given. */
  below(options: number, plain: number, wished?: number): number {
    if (options < 2) return 0
    if (wished !== undefined) return this.#take(wished)
    const random = this.#random
    if (random === undefined) return this.#read(options)
    return this.#take(random.chance(plain) ? 0 : 1 + random.below(options - 1))
  }

  /** A number with the odds given for 1, 2, …; 0 with the rest; `wished` if that is given. */
  odds(odds: readonly number[], wished?: number): number {
    if (wished !== undefined) return this.#take(wished)
    const random = this.#random
    if (random === undefined) return this.#read(odds.length + 1)
    let left = random.next()
    let value = 0
    for (let index = 0; index < odds.length; index++) {
      left -= odds[index] as number
      if (left < 0) {
        value = index + 1
        break
      }
    }
    return this.#take(value)
  }

  #read(options: number): number {
    const recorded = this.#recorded[this.taken.length] ?? 0
    return this.#take(recorded < options ? recorded : 0)
  }

  #take(value: number): number {
    this.taken.push(value)
    return value
  }
}
