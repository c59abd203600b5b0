import { untilAborted } from "./abort.js"

/** Orders saves by their ids: each save waits while a save of a lower id is under way. */
export class IdOrder {
  readonly #underWay = new Map<number, number>()
  readonly #waiting = new Set<() => void>()

  /** To be called when a save begins. Gives the function to be called when the save ends. */
  enter(id: number): () => void {
    this.#underWay.set(id, (this.#underWay.get(id) ?? 0) + 1)
    let left = false
    return () => {
      if (left) return
      left = true
      const others = (this.#underWay.get(id) ?? 1) - 1
      if (others > 0) this.#underWay.set(id, others)
      else this.#underWay.delete(id)
      for (const wake of this.#waiting) wake()
      this.#waiting.clear()
    }
  }

  /** Resolves when no lower id is under way. */
  async turn(id: number, signal: AbortSignal | undefined): Promise<void> {
    while ([...this.#underWay.keys()].some((other) => other < id)) {
      signal?.throwIfAborted()
      const turn = new Promise<void>((resolve) => this.#waiting.add(resolve))
      await untilAborted(turn, signal)
    }
    signal?.throwIfAborted()
  }
}
