import type { Operation } from "./operation.js"
import { Violation } from "./violation.js"

/** The claims that were given. Once a claim is given, every earlier writer is superseded. */
export class Claims {
  /** `latest`: the latest checkpoint when the claim was given. */
  readonly #given: { readonly epoch: number; readonly latest: number; readonly tick: number }[] = []
  /** When each update took effect. */
  readonly #updateTicks = new Map<string, number>()

  given(epoch: number, latest: number, tick: number): void {
    this.#given.push({ epoch, latest, tick })
  }

  /** A save was acknowledged. */
  saved(operation: Operation, id: number): void {
    const superseded = this.#given.find((claim) => claim.epoch > operation.epoch && claim.latest < id)
    if (superseded === undefined) return
    const writer = operation.epoch === 0 ? "a plain writer" : `the writer of claim ${operation.epoch}`
    throw new Violation(
      `checkpoint ${id} of ${writer} was acknowledged after claim ${superseded.epoch} had been given, at ${superseded.latest}`,
    )
  }

  /** An update was acknowledged. */
  updated(operation: Operation, id: number, update: string): void {
    const applied = this.#updateTicks.get(update) ?? 0
    const superseded = this.#given.find((claim) => claim.epoch > operation.epoch && claim.tick < applied)
    if (superseded !== undefined && operation.epoch > 0) {
      throw new Violation(
        `update ${update} of ${id} was acknowledged, and took effect after claim ${superseded.epoch} had been given`,
      )
    }
  }

  /**
   * A process replaced the manifest of `id`, which now holds these updates; `doing`: its operations. Once a claim is
   * given, no earlier writer may change the manifest from which the new leader recovers.
   */
  manifestChanged(id: number, updates: Iterable<string>, doing: readonly Operation[], tick: number): void {
    for (const update of updates) if (!this.#updateTicks.has(update)) this.#updateTicks.set(update, tick)
    const [first] = doing
    if (first === undefined) return
    const claim = this.#given.find(({ epoch, latest }) => epoch > first.epoch && latest === id)
    if (claim !== undefined && doing.every(({ action }) => action.do === "update")) {
      throw new Violation(
        `an update of ${id} by ${first.process} takes effect after claim ${claim.epoch} had been given`,
      )
    }
  }
}
