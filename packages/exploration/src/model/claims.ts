import type { Operation } from "./operation.js"
import { Violation } from "./violation.js"

/** Who leads. An epoch is given to one writer, and no older writer changes the checkpoint that a leader has recovered. */
export class Claims {
  readonly #given = new Set<number>()
  /** For each epoch, when it was given at the latest. */
  readonly #ticks = new Map<number, number>()
  /** The checkpoints that leaders have recovered: id → the highest epoch of such a leader. */
  readonly #recovered = new Map<number, number>()
  /** For each claim that was begun, by its writer: when the history named it last. */
  readonly #announced = new Map<string, number>()
  /** The epoch of the writer of each update, and when the update took effect. */
  readonly #updates = new Map<string, { readonly epoch: number; applied: number }>()

  given(epoch: number): void {
    if (this.#given.has(epoch)) throw new Violation(`claim ${epoch} was given twice`)
    this.#given.add(epoch)
  }

  /** The history says that this writer is claiming. */
  announced(writer: string, tick: number): void {
    this.#announced.set(writer, tick)
  }

  /** When the history named this writer last as the one who is claiming; `undefined`: it never did. */
  announcedAt(writer: string): number | undefined {
    return this.#announced.get(writer)
  }

  /** A process was told that another process claimed at the same time. */
  refused({ start }: Operation): void {
    const claimants = [...this.#announced.values()].filter((tick) => tick > start).length
    if (claimants < 2) throw new Violation("a claim was refused for another claim, and there was none")
  }

  /** A claim took effect. */
  began(epoch: number, tick: number): void {
    this.#ticks.set(epoch, tick)
  }

  /** The history was damaged: the claims that no manifest tells of are forgotten. */
  forgetAll(): void {
    this.#given.clear()
    this.#ticks.clear()
  }

  forget(id: number): void {
    this.#recovered.delete(id)
  }

  /**
   * A leader has recovered this checkpoint.
   *
   * @param isSure the history was not damaged
   * @param lacking the updates that its manifest holds by now, and that the leader was not given
   */
  recovered({ epoch, start }: Operation, id: number, isSure: boolean, lacking: readonly string[]): void {
    const claim = [...this.#ticks].find(([other, tick]) => other > epoch && tick < start)
    if (claim !== undefined && isSure) {
      throw new Violation(`the writer of epoch ${epoch} was given ${id}, and claim ${claim[0]} leads`)
    }
    // Those of older writers took effect before: from now on none may.
    const late = lacking.find((update) => (this.#updates.get(update)?.epoch ?? epoch) < epoch)
    if (late !== undefined && isSure)
      throw new Violation(`the writer of epoch ${epoch} was given ${id} without ${late}`)
    if (epoch > (this.#recovered.get(id) ?? 0)) this.#recovered.set(id, epoch)
  }

  updateBegins({ epoch }: Operation, update: string): void {
    this.#updates.set(update, { epoch, applied: 0 })
  }

  /** The manifest of `id` was replaced, and holds these updates. */
  manifestChanged(id: number, updates: Iterable<string>, tick: number): void {
    for (const update of updates) {
      const known = this.#updates.get(update)
      if (known === undefined || known.applied > 0) continue
      known.applied = tick
      const leader = this.#recovered.get(id) ?? 0
      if (leader > known.epoch) {
        throw new Violation(
          `update ${update} of ${id} by the writer of epoch ${known.epoch} takes effect after the leader of claim ${leader} recovered it`,
        )
      }
    }
  }

  /** A process was told that its update is done, and that it leads. */
  updated(operation: Operation, id: number, update: string): void {
    const applied = this.#updates.get(update)?.applied ?? 0
    for (const [epoch, tick] of this.#ticks) {
      if (epoch <= operation.epoch || tick >= applied) continue
      throw new Violation(
        `update ${update} of ${id} was acknowledged, and took effect after claim ${epoch} had been given`,
      )
    }
  }
}
