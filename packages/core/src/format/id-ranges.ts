/** An inclusive range of consecutive ids. */
type Range = readonly [first: number, last: number]

/**
 * A set of ids, as ascending ranges of consecutive ids: ten thousand kept checkpoints are one range if no id between
 * them is missing. Immutable.
 */
export class IdRanges {
  static readonly empty = new IdRanges([])
  readonly #ranges: readonly Range[]

  private constructor(ranges: readonly Range[]) {
    this.#ranges = ranges
  }

  static of(ids: Iterable<number>): IdRanges {
    return IdRanges.#merged([...ids].map((id) => [id, id]))
  }

  /** Reads `"1-4 7"` back. `undefined` for anything that {@link toString} does not write. */
  static parse(text: string): IdRanges | undefined {
    if (text === "") return IdRanges.empty
    const ranges: Range[] = []
    let before = -2
    for (const part of text.split(" ")) {
      const match = /^(0|[1-9]\d*)(?:-([1-9]\d*))?$/.exec(part)
      const first = Number(match?.[1] ?? Number.NaN)
      const last = Number(match?.[2] ?? first)
      if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return undefined
      // Ascending, with a gap before each range, and no range of one id written as two.
      if (first <= before + 1 || (match?.[2] !== undefined && last <= first)) return undefined
      ranges.push([first, last])
      before = last
    }
    return new IdRanges(ranges)
  }

  static #merged(ranges: readonly Range[]): IdRanges {
    const merged: [number, number][] = []
    for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
      if (last < first) continue
      const before = merged.at(-1)
      if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
      else merged.push([first, last])
    }
    return new IdRanges(merged)
  }

  has(id: number): boolean {
    let low = 0
    let high = this.#ranges.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const [first, last] = this.#ranges[middle] as Range
      if (id < first) high = middle - 1
      else if (id > last) low = middle + 1
      else return true
    }
    return false
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0
  }

  /** 0 if the set is empty. */
  get highest(): number {
    return this.#ranges.at(-1)?.[1] ?? 0
  }

  with(ids: Iterable<number>): IdRanges {
    return IdRanges.#merged([...this.#ranges, ...IdRanges.of(ids).#ranges])
  }

  without(ids: Iterable<number>): IdRanges {
    const gone = IdRanges.of(ids).#ranges
    const left: Range[] = []
    let at = 0
    for (const [first, last] of this.#ranges) {
      let from = first
      while (at < gone.length && (gone[at] as Range)[1] < from) at++
      for (let next = at; next < gone.length && (gone[next] as Range)[0] <= last; next++) {
        const [goneFirst, goneLast] = gone[next] as Range
        left.push([from, goneFirst - 1])
        from = Math.max(from, goneLast + 1)
      }
      left.push([from, last])
    }
    return IdRanges.#merged(left)
  }

  /** For example `"1-4 7"`. */
  toString(): string {
    return this.#ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(" ")
  }
}
