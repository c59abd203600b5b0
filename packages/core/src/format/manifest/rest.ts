import { Pace, type Work } from "../../async/turns.js"

/** A map or list with more entries than these is decoded with pauses. */
const entriesAtOnce = 1024

/**
 * What is left to decode: the entries of large maps and lists. They come last, with pauses. Entries of small ones are decoded
 * at once, which is faster, and count for the next pause.
 */
export class Rest {
  readonly #left: Work<void>[] = []
  readonly #pace = new Pace()

  each<E>(entries: Iterable<E>, count: number, decode: (entry: E) => void): void {
    if (count > entriesAtOnce) {
      this.#left.push(this.#decoding(entries, decode))
      return
    }
    for (const entry of entries) decode(entry)
    this.#pace.add(count)
  }

  /** Everything that is left. */
  *work(): Work<void> {
    // An entry may have a large map itself, which is added behind the others.
    for (const one of this.#left) yield* one
  }

  *#decoding<E>(entries: Iterable<E>, decode: (entry: E) => void): Work<void> {
    for (const entry of entries) {
      if (this.#pace.isDue()) yield
      decode(entry)
    }
  }
}
