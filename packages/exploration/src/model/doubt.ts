import { isDead, type SeenHistory } from "./history.js"
import type { HistoryDamage, Operation } from "./operation.js"
import type { View } from "./view.js"
import { Violation } from "./violation.js"

/**
 * The time from a damage of the history until a claim or a repair builds it anew. Meanwhile readers judge by the manifests
 * alone, so each acknowledged checkpoint must be there, and nothing more is known of which checkpoints count.
 */
export class Doubt {
  readonly how: HistoryDamage
  readonly tick: number
  readonly before: SeenHistory
  readonly #view: View
  #wasTold: boolean
  /** The highest epoch that a manifest carried. */
  readonly #carried: number
  readonly #putBack: SeenHistory | undefined

  /**
   * @param before the history until now
   * @param putBack the history that was put back
   */
  constructor(how: HistoryDamage, before: SeenHistory, view: View, tick: number, putBack?: SeenHistory) {
    this.how = how
    this.tick = tick
    this.before = before
    this.#putBack = putBack
    this.#view = view
    this.#wasTold = how === "garble" || (how === "delete" && view.pointer.saysHistory)
    this.#carried = view.carried
  }

  /** Readers and writers can notice the damage: the history cannot be read, or it is gone and the pointer tells of it. */
  get isTold(): boolean {
    return this.#wasTold && (this.how === "garble" || this.#view.pointer.saysHistory)
  }

  /**
   * The pointer is damaged too. Where the history is gone, the pointer alone says that there was one; whoever writes the pointer anew
   * may know of no history but a new one.
   */
  pointerIsDamaged(): void {
    if (this.how === "delete") this.#wasTold = false
  }

  /**
   * The history went back over the claim that superseded this writer. Manifests tell of that claim at most, and a writer need read
   * none: it may take itself for the leader, and what it is told is forgotten once the history is built anew.
   */
  forgets(operation: Operation): boolean {
    return !this.isTold && operation.epoch < this.before.epoch
  }

  /** The history went back over claims that no manifest tells of: their leaders have written nothing and recovered nothing. */
  get #forgetsClaims(): boolean {
    return this.how !== "garble" && this.before.epoch > this.#carried
  }

  /** The highest checkpoint of a writer who was superseded by a claim that is forgotten: it counts, and outranks what is below. */
  get latestOfForgotten(): number {
    if (!this.#forgetsClaims) return 0
    const theirs = [...this.#view.manifests.values()].filter(({ writerEpoch }) => writerEpoch < this.before.epoch)
    return Math.max(0, ...theirs.map(({ id }) => id))
  }

  /**
   * This claim was begun in the history that was put back. A save had taken it out since. The storage makes versions of the bytes, so the
   * claim finds the version that it knows, goes on, and misses what was saved after it was taken out.
   */
  revives(replaced: SeenHistory, now: SeenHistory): boolean {
    return replaced === this.#putBack && now.writer !== undefined && now.writer === replaced.claimant
  }

  /** A save was acknowledged meanwhile. */
  saved(operation: Operation, id: number): void {
    if (operation.start <= this.tick || !this.isTold) return
    throw new Violation(`checkpoint ${id} was acknowledged while the history is lost (${this.how})`)
  }

  /** @throws {Violation} unless it is replaced by a claim, by `repair()`, or by an operation that began before the loss */
  assertMayMakeAnew(doing: readonly Operation[]): void {
    const isMaker = ({ action, start }: Operation) =>
      action.do === "claim" || action.do === "repair" || start <= this.tick
    if (this.isTold && !doing.some(isMaker))
      throw new Violation(
        `the history is lost, and ${doing.map(({ action }) => action.do).join(" and ")} makes another`,
      )
  }

  isDead(id: number): boolean {
    return isDead(id, this.before) || isDead(id, this.#view.history)
  }

  /** Whether the checkpoint is there, by the manifests and by what is left of the history. */
  isThere(id: number): boolean {
    return this.#view.manifests.has(id) && !isDead(id, this.#view.history)
  }
}
