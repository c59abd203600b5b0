import type { Pointer } from "../format/pointer.js"

/** The answer to a save that waited for the pointer to move. */
export interface Advance {
  readonly pointer: Pointer
  /** True if the pointer names the save's own id. */
  readonly isLatest: boolean
}

interface Waiting {
  readonly id: number
  resolve(advance: Advance): void
  reject(error: unknown): void
}

/**
 * Saves that wait for the pointer to move. `"together"`: all saves that come during a move share the next move, to the
 * highest of their ids. `"one by one"`: each save has a move of its own.
 */
export class Advances {
  readonly #move: (id: number) => Promise<Pointer>
  readonly #mode: "together" | "one by one"
  #waiting: Waiting[] = []
  #isMoving = false

  constructor(move: (id: number) => Promise<Pointer>, mode: "together" | "one by one") {
    this.#move = move
    this.#mode = mode
  }

  add(id: number): Promise<Advance> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, resolve, reject })
      if (!this.#isMoving) void this.#moveOn()
    })
  }

  async #moveOn(): Promise<void> {
    this.#isMoving = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = this.#mode === "together" ? [] : batch.splice(1)
      const highest = batch.reduce((most, { id }) => Math.max(most, id), 0)
      try {
        const pointer = await this.#move(highest)
        for (const { id, resolve } of batch) resolve({ pointer, isLatest: pointer.checkpointId === id })
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isMoving = false
  }
}
