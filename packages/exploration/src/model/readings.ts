import type { Notes } from "./notes.js"
import type { Operation } from "./operation.js"
import { Violation } from "./violation.js"

/** The answers that readers are given: each must have been true at some moment of the reading. */
export class Readings {
  readonly #notes: Notes

  constructor(notes: Notes) {
    this.#notes = notes
  }

  /**
   * The highest damaged checkpoint of which a reader can know, from the beginning of its reading to the end; 0: there is none. A
   * pointer that moves meanwhile, even to a refused save, leaves nobody who knows.
   */
  mustTell(operation: Operation): number {
    return Math.min(operation.mustTell, this.#notes.damaged.mustTell)
  }

  /** Whether a reader that saw this checkpoint, the latest, may be told of an older one later. */
  mayBePassedOver(id: number): boolean {
    return this.#notes.lags || this.#notes.isDamaged || this.#notes.counted.shutOut.has(id)
  }

  /** The highest id that a process cannot be given: of every object, or of what it can know. */
  highestTaken({ highestId, named, start }: Operation): number {
    if (!this.#notes.lags && !this.#notes.isDamaged) return highestId
    return start < this.#notes.pointerDamagedAt ? 0 : named
  }

  /** A reader was told that `id` (0: nothing) is the latest. `told`: the ids that it was told are damaged or missing. */
  latest(
    operation: Operation,
    id: number,
    content: number | undefined,
    told: readonly (number | undefined)[] = [],
  ): void {
    const acknowledged = this.#expected(operation)
    // Where listings lag, a reader knows of what the pointer names now; what it named before may be missing from the listing.
    const isExcused = this.#notes.lags && told.some((one) => one === undefined || one > acknowledged)
    if (id < acknowledged && !isExcused) {
      throw new Violation(`the latest is said to be ${id}, and ${acknowledged} had been acknowledged before`)
    }
    const damaged = this.mustTell(operation)
    if (id < damaged && !told.some((one) => one === undefined || one >= damaged)) {
      throw new Violation(`the latest is said to be ${id}, and nothing is said of ${damaged}, which is damaged`)
    }
    if (id > 0) this.one(operation, id, content)
  }

  /** A reader was told that `id` is a checkpoint. */
  one(operation: Operation, id: number, content: number | undefined): void {
    if (this.#isExcused(operation) || this.#notes.damaged.has(id)) return
    const counted = this.#notes.counted.byId.get(id)
    if (counted === undefined || (!counted.counts && counted.last < operation.start)) {
      throw new Violation(`checkpoint ${id} was read, and did not count at any moment of this read`)
    }
    if (content !== undefined && counted.content !== content) {
      throw new Violation(`checkpoint ${id} was read with content ${content}; it has content ${counted.content}`)
    }
  }

  /** A reader was told of all checkpoints, and that those in `told` are damaged or missing. */
  all(
    operation: Operation,
    found: readonly { readonly id: number; readonly content: number | undefined }[],
    told: readonly (number | undefined)[],
  ): void {
    for (const { id, content } of found) this.one(operation, id, content)
    const ids = found.map(({ id }) => id)
    this.ids(operation, ids, told)
  }

  /** As `all`, for a reader that does not look at manifests: ids that do not count may be among them. */
  ids(operation: Operation, ids: readonly number[], told: readonly (number | undefined)[]): void {
    if (ids.some((id, index) => index > 0 && id <= (ids[index - 1] as number))) {
      throw new Violation(`the ids are not ascending: ${ids.join(" ")}`)
    }
    const shown = ids.join(" ") || "nothing"
    const damaged = this.mustTell(operation)
    if (damaged > 0 && ![...ids, ...told].some((id) => id === undefined || id >= damaged)) {
      throw new Violation(
        `all checkpoints are said to be ${shown}, and nothing is said of ${damaged}, which is damaged`,
      )
    }
    if (this.#notes.lags) {
      const named = this.#expected(operation)
      if (ids.some((id) => id >= named) || told.includes(undefined)) return
      if (named > 0) throw new Violation(`checkpoint ${named} was acknowledged and named, and is missing from ${shown}`)
      return
    }
    for (const { id, tick, pruned } of this.#notes.acknowledgements.byId.values()) {
      if (pruned || tick > operation.start || ids.includes(id)) continue
      throw new Violation(`checkpoint ${id} was acknowledged, is there, and is missing from ${shown}`)
    }
  }

  /** Recovery passed over these checkpoints. */
  skipped(
    who: string,
    skipped: readonly { readonly id?: number; readonly issues: readonly { message: string }[] }[],
  ): void {
    const wrong = skipped.find(({ id }) => !this.#notes.damaged.has(id))
    if (wrong !== undefined) throw new Violation(`${who} calls ${wrong.id} damaged: ${wrong.issues[0]?.message}`)
  }

  /** The highest id that a reader which began then must find: acknowledged before it began, and not damaged. */
  #expected(operation: Operation): number {
    return this.#notes.acknowledgements.before(operation, this.#notes.damaged.has(undefined))
  }

  /** The history was damaged at a moment of this reading: what was read until it was built anew may count by the manifests alone. */
  #isExcused({ start }: Operation): boolean {
    return this.#notes.doubts.damagedUntil >= start
  }
}
