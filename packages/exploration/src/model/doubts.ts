import { Doubt } from "./doubt.js"
import { isDead, type SeenHistory } from "./history.js"
import type { HistoryDamage, Operation } from "./operation.js"
import type { SeenManifest, View } from "./view.js"

/** The doubt about the history, from a damage until the history is built anew, and which operations are excused because of it. */
export class Doubts {
  readonly #view: View
  #now: Doubt | undefined
  /** When the history was last damaged; -1: never. */
  #damagedAt = -1
  /** When the history was last built anew, after a damage; -1: never. */
  #rebuiltAt = -1

  constructor(view: View) {
    this.#view = view
  }

  /** The doubt since the last damage; `undefined`: there was none, or the history was built anew since. */
  get now(): Doubt | undefined {
    return this.#now
  }

  /** Whether the history was ever damaged. */
  get any(): boolean {
    return this.#damagedAt >= 0
  }

  /** Until when the history was damaged; `Infinity`: it still is; -1: it never was. */
  get damagedUntil(): number {
    return this.#now === undefined ? this.#rebuiltAt : Number.POSITIVE_INFINITY
  }

  /** Whether the history was damaged since the operation began. */
  haveBegunSince({ start }: Operation): boolean {
    return start <= this.#damagedAt
  }

  /**
   * Whether the answer to an operation is not judged: the history is in doubt, or was damaged since the operation began. An operation
   * that began in doubt is judged once the history is built anew, since it reads the history before it is answered. Not so a
   * reading: see `Readings`.
   */
  excuse(operation: Operation): boolean {
    return this.#now !== undefined || this.haveBegunSince(operation)
  }

  /** The history is damaged. For `before` and `putBack` see `Doubt`. */
  begin(how: HistoryDamage, before: SeenHistory, tick: number, putBack?: SeenHistory): void {
    this.#damagedAt = tick
    this.#now = new Doubt(how, this.#now?.before ?? before, this.#view, tick, putBack)
  }

  /** The history was built anew. */
  end(tick: number): void {
    this.#now = undefined
    this.#rebuiltAt = tick
  }

  /**
   * Whether the manifest carries a claim above a history that was built anew after a damage: to those who read the manifest, the
   * history is lost again.
   */
  beginAgainWith({ carries }: SeenManifest): boolean {
    return this.any && this.#now === undefined && carries > this.#view.history.epoch
  }

  /** Whether these operations may take the id for dead. Those that began before the last damage may go by any earlier history. */
  allowDead(id: number, doing: readonly Operation[]): boolean {
    const isOld = doing.some((operation) => this.haveBegunSince(operation))
    return (this.#now?.isDead(id) ?? isDead(id, this.#view.history)) || (isOld && this.#view.wasEverDead(id))
  }
}
