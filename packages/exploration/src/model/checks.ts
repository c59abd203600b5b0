import { mayRemove } from "./legitimate.js"
import type { Notes } from "./notes.js"
import type { Acknowledged, Operation } from "./operation.js"
import { Violation } from "./violation.js"

/**
 * Checks the storage at every moment: the pointer never moves back, the latest checkpoint never disappears, and no acknowledged
 * checkpoint is gone unless an operation may have removed it. `Counted`, `Acknowledgements` and `Updates` check the rest.
 */
export class Checks {
  readonly #notes: Notes
  /** Every operation so far that may remove checkpoints. */
  readonly #removing: Operation[] = []
  #pointerId = 0
  #latest = 0

  constructor(notes: Notes) {
    this.#notes = notes
  }

  /**
   * The highest id that counts and is whole, as the last check found it; while the history is in doubt, the highest that may count. 0:
   * there is none, or it is forgotten.
   */
  get latest(): number {
    return this.#latest
  }

  /** An older checkpoint may be the latest from now on: checkpoints are damaged. */
  forgetLatest(): void {
    this.#latest = 0
  }

  /** From now on this operation may remove checkpoints, also after its answer. */
  removalBegins(operation: Operation): void {
    this.#removing.push(operation)
  }

  /**
   * The checkpoint must stay from now on, until an operation may remove it.
   *
   * @param saved false: nobody was told of it, but a claim has kept it
   */
  acknowledge(id: number, content: number, saved: boolean): void {
    const { acknowledgements } = this.#notes
    acknowledgements.add({ id, content, saved, tick: this.#notes.nextTick(), outranked: this.#latest > id })
  }

  /**
   * Looks at the whole storage as it is now.
   *
   * @param when for the message of a violation
   * @param mayFall checkpoints may cease to count: a claim took effect, or the history was built anew after a damage
   * @throws {Violation} if something does not hold
   */
  check(when: string, mayFall = false): void {
    const { view, damaged, counted, acknowledgements, updates, tick, isDamaging } = this.#notes
    const doubt = this.#notes.doubts.now
    const { checkpointId } = view.pointer
    if (checkpointId < this.#pointerId && !damaged.byReference && !isDamaging) {
      throw new Violation(`the pointer was at ${this.#pointerId}, and is at ${checkpointId} ${when}`)
    }
    this.#pointerId = checkpointId
    if (doubt !== undefined) this.#latest = Math.max(acknowledgements.highest, doubt.latestOfForgotten, view.latest)
    else {
      const latest = counted.look(view, damaged, tick, mayFall, when)
      // A removal may have gone by a later checkpoint that was damaged since.
      const known = damaged.latestKnownTo(this.#removing, this.#latest)
      if (latest < this.#latest && !mayFall && known === this.#latest) {
        throw new Violation(`the latest checkpoint was ${this.#latest}, and is ${latest} ${when}`)
      }
      this.#latest = latest
    }
    for (const one of acknowledgements.missing(doubt, when)) this.#mustBeRemoved(one, when)
    updates.look((id) => view.counting(id), when)
  }

  #mustBeRemoved(one: Acknowledged, when: string): void {
    const { id } = one
    const pin = this.#notes.pins.nameOf(id)
    if (pin !== undefined) throw new Violation(`checkpoint ${id} was pinned as ${pin}, and is gone ${when}`)
    if (!this.#removing.some((operation) => mayRemove(operation, one, this.#facts(operation)))) {
      throw new Violation(`checkpoint ${id} was acknowledged, nothing was to remove it, and it does not count ${when}`)
    }
    one.pruned = true
  }

  #facts(operation: Operation) {
    const { view, counted, damaged, created, storage, doubts } = this.#notes
    const seen = doubts.now === undefined ? counted.byId : view.manifests
    const ids = [...new Set([...seen.keys(), ...damaged.ids])]
    const latest = damaged.latestKnownTo([operation], this.#latest)
    return { counted: ids, created, now: storage.now, latest }
  }
}
