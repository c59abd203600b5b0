import type { Operation } from "./operation.js"
import { Violation } from "./violation.js"

/** The pins that hold: a process was told that the pin is set, and no process has begun to unpin it. */
export class Pins {
  readonly #held = new Map<string, number>()
  /** For each name: when its last unpin ended, and how many unpins of it are under way. */
  readonly #unpins = new Map<string, { ended: number; underWay: number }>()

  /** A copy of the pins, by name. */
  now(): ReadonlyMap<string, number> {
    return new Map(this.#held)
  }

  /** The name of a pin that holds this checkpoint. */
  nameOf(id: number): string | undefined {
    for (const [name, held] of this.#held) if (held === id) return name
    return undefined
  }

  /** A process was told that the pin is set. `counts`: whether the checkpoint counts now. */
  pinned(operation: Operation, id: number, name: string, counts: boolean): void {
    // An unpin of the same name ran meanwhile: either of the two may have come first.
    const unpins = this.#unpinsOf(name)
    if (unpins.underWay > 0 || unpins.ended > operation.start) return
    const other = this.#held.get(name)
    if (other !== undefined && other !== id) throw new Violation(`${name} pins ${other}, and now ${id}`)
    if (!counts) throw new Violation(`checkpoint ${id} was pinned as ${name}, and does not count`)
    this.#held.set(name, id)
  }

  /** The history was damaged, and the pins with it. */
  forgetAll(): void {
    this.#held.clear()
  }

  unpinBegins(name: string): void {
    this.#held.delete(name)
    this.#unpinsOf(name).underWay++
  }

  unpinEnds(name: string, tick: number): void {
    const unpins = this.#unpinsOf(name)
    unpins.underWay--
    unpins.ended = tick
  }

  /** A reader was told of all pins. */
  read(operation: Operation, pins: readonly { id: number; name: string }[]): void {
    for (const [name, id] of operation.pinned) {
      if (this.#held.get(name) !== id || pins.some((pin) => pin.name === name && pin.id === id)) continue
      throw new Violation(`checkpoint ${id} is pinned as ${name}, and that is not among the pins`)
    }
  }

  #unpinsOf(name: string): { ended: number; underWay: number } {
    const unpins = this.#unpins.get(name) ?? { ended: 0, underWay: 0 }
    this.#unpins.set(name, unpins)
    return unpins
  }
}
