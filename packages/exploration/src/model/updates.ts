import type { SeenManifest } from "./view.js"
import { Violation } from "./violation.js"

/**
 * Updates. The change of each takes effect at most once. It is acknowledged only if it took effect, and stands from then
 * on while its checkpoint counts. An update that was refused for certain took no effect and never will; any other
 * failure leaves the outcome open.
 */
export class Updates {
  /** The updates that took effect. */
  readonly #applied = new Set<string>()
  readonly #refused = new Set<string>()
  /** The acknowledged updates of each checkpoint. */
  readonly #acknowledged = new Map<number, string[]>()

  /** A manifest was written. */
  written({ id, updates }: SeenManifest, when: string): void {
    for (const [update, times] of updates) {
      if (times !== 1) throw new Violation(`update ${update} of ${id} is applied ${times} times ${when}`)
      if (this.#refused.has(update))
        throw new Violation(`update ${update} of ${id} was refused for certain, and takes effect ${when}`)
      this.#applied.add(update)
    }
  }

  acknowledged(id: number, update: string): void {
    if (!this.#applied.has(update))
      throw new Violation(`update ${update} of ${id} was acknowledged, and never took effect`)
    const others = this.#acknowledged.get(id)
    if (others === undefined) this.#acknowledged.set(id, [update])
    else others.push(update)
  }

  /** Of each checkpoint. */
  get allAcknowledged(): ReadonlyMap<number, readonly string[]> {
    return this.#acknowledged
  }

  refused(id: number, update: string): void {
    if (this.#applied.has(update))
      throw new Violation(`update ${update} of ${id} was refused for certain, and took effect`)
    this.#refused.add(update)
  }

  /** The checkpoint was damaged by others, and its updates with it. */
  forget(id: number): void {
    this.#acknowledged.delete(id)
  }

  /** Looks at the acknowledged updates of every checkpoint that counts. */
  look(counting: (id: number) => SeenManifest | undefined, when: string): void {
    for (const [id, updates] of this.#acknowledged) {
      const manifest = counting(id)
      const lost = manifest && updates.find((update) => !manifest.updates.has(update))
      if (lost !== undefined)
        throw new Violation(`update ${lost} of checkpoint ${id} was acknowledged, and is lost ${when}`)
    }
  }
}
