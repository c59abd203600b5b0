import type { StoredState } from "./create-state.js"

// States that are remembered, at most: far more than any job has under way.
const maxStates = 1_024

/** The states that `writeState` wrote, for the saves that will follow. */
export class StatesAhead {
  readonly #states = new Map<number, StoredState>()

  get(id: number): StoredState | undefined {
    return this.#states.get(id)
  }

  set(id: number, info: StoredState): void {
    this.#states.delete(id)
    this.#states.set(id, info)
    for (const oldest of this.#states.keys()) {
      if (this.#states.size <= maxStates) break
      this.#states.delete(oldest)
    }
  }
}
