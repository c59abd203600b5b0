interface Branching {
  /** When the history was damaged. */
  readonly tick: number
  /** How many versions of the history stores had written by then. */
  readonly written: number
  /** Which of them was put back; -1: none. */
  readonly from: number
}

/**
 * A history that is put back begins another branch: what stores write from then on follows from it, and not from the versions that
 * came behind it before. If such a version is put back later, it never knew of what was saved meanwhile.
 */
export class Branches {
  readonly #all: Branching[] = []

  /**
   * Notes that the history is damaged.
   *
   * @param from the number of the version that is put back, from 0; -1: none is
   * @returns since when nothing is promised of checkpoints that this version does not count; `undefined`: it counts what it must
   */
  damaged(from: number, written: number, tick: number): number | undefined {
    // It was passed over by this earlier damage.
    const skipped = this.#all.find((one) => one.from < from && from < one.written)
    this.#all.push({ tick, written, from })
    return skipped?.tick
  }
}
