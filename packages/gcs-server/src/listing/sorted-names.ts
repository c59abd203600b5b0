/**
 * The order of UTF-8 bytes, which is the order of code points. JavaScript's own order is that of UTF-16 units. Example:
 * it puts U+1F600 (a surrogate pair from D83D on) before U+FF5E.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    const isPair = (unit: number) => unit >= 0xd800 && unit <= 0xdfff
    return isPair(x) === isPair(y) ? x - y : isPair(x) ? 1 : -1
  }
  return a.length - b.length
}

/** A set of names that is always in the order of a listing. */
export class SortedNames {
  readonly #names: string[] = []

  add(name: string): void {
    const at = this.#firstFrom(name)
    if (this.#names[at] !== name) this.#names.splice(at, 0, name)
  }

  delete(name: string): void {
    const at = this.#firstFrom(name)
    if (this.#names[at] === name) this.#names.splice(at, 1)
  }

  /** The names from `start` on, in order. */
  *from(start: string): Generator<string, void, void> {
    for (let i = this.#firstFrom(start); i < this.#names.length; i++) yield this.#names[i] as string
  }

  #firstFrom(name: string): number {
    let low = 0
    let high = this.#names.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareUtf8(this.#names[middle] as string, name) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
