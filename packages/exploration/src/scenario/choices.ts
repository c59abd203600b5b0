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

  /** A number below `options`: 0 with probability `plain`, else any other. */
  below(options: number, plain: number): number {
    if (options < 2) return 0
    const random = this.#random
    if (random === undefined) return this.#read(options)
    const value = random.chance(plain) ? 0 : 1 + random.below(options - 1)
    this.taken.push(value)
    return value
  }

  /** A number with the odds given for 1, 2, …; 0 with the rest. */
  odds(odds: readonly number[]): number {
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
    this.taken.push(value)
    return value
  }

  #read(options: number): number {
    const recorded = this.#recorded[this.taken.length] ?? 0
    const value = recorded < options ? recorded : 0
    this.taken.push(value)
    return value
  }
}
