import type { Damaged } from "./damaged.js"
import { isDead } from "./history.js"
import type { View } from "./view.js"
import { Violation } from "./violation.js"

interface CountedCheckpoint {
  readonly content: number
  /** Whether it counts now. */
  counts: boolean
  /** When it ceased to count. */
  last: number
}

/** Which checkpoints ever counted, and what must hold of each at every moment. */
export class Counted {
  readonly byId = new Map<number, CountedCheckpoint>()
  /**
   * Ids that counted for a moment, were never acknowledged, and were shut out by a claim. They are no violation: while a
   * claim is being made, readers still go by the history of before.
   */
  readonly shutOut = new Set<number>()
  /** Contents of saves that were refused for certain. */
  readonly refused = new Set<number>()
  /** Ids that are dead by a history of before: below its floor, and not kept. */
  readonly #dead = new Set<number>()
  /** When each epoch began. */
  readonly #epochs: { readonly epoch: number; readonly tick: number }[] = []
  /** When each manifest was created. */
  readonly #created = new Map<number, number>()

  /** A claim took effect. */
  epochBegins(epoch: number, tick: number): void {
    this.#epochs.push({ epoch, tick })
  }

  created(id: number, tick: number): void {
    this.#created.set(id, tick)
  }

  /** When the manifest was created; `undefined`: before all. */
  createdAt(id: number): number | undefined {
    return this.#created.get(id)
  }

  /** The history was damaged: whatever was known of the dead is forgotten. */
  forgetAll(): void {
    for (const all of [this.byId, this.shutOut, this.refused, this.#dead]) all.clear()
    this.#epochs.length = 0
  }

  /** The checkpoint was damaged or removed by others. */
  forget(id: number): void {
    this.byId.delete(id)
  }

  /** @throws {Violation} unless the checkpoint counted with this content, now or at a moment since then */
  assertCountedSince(tick: number, id: number, content: number): void {
    const counted = this.byId.get(id)
    if (counted?.content === content && (counted.counts || counted.last >= tick)) return
    throw new Violation(`checkpoint ${id} was acknowledged with content ${content}, and did not count at any moment`)
  }

  /** Looks at every manifest. Returns the highest id that counts; 0: none. For the parameters see `Checks.check`. */
  look(view: View, damaged: Damaged, tick: number, mayFall: boolean, when: string): number {
    this.#seeWhatCeased(view, damaged, tick, mayFall)
    let latest = 0
    for (const manifest of view.manifests.values()) {
      const { id, content, writerEpoch } = manifest
      if (!view.counts(manifest)) {
        if (isDead(id, view.history)) this.#dead.add(id)
        continue
      }
      const counted = this.byId.get(id)
      if (counted === undefined) this.byId.set(id, { content, counts: true, last: 0 })
      else if (counted.content !== content) {
        throw new Violation(`checkpoint ${id} had content ${counted.content}, and has ${content} ${when}`)
      } else counted.counts = true
      this.shutOut.delete(id)
      // Of what others damaged it is only promised that it is told.
      if (damaged.has(id)) {
        if (damaged.isWhole(manifest) && id > latest) latest = id
        continue
      }
      if (!view.isWhole(manifest)) throw new Violation(`checkpoint ${id} stands without its state ${when}`)
      if (this.#dead.has(id)) throw new Violation(`checkpoint ${id} was dead for ever, and is back ${when}`)
      const created = this.#created.get(id) ?? 0
      const claim = this.#epochs.find(({ epoch, tick: since }) => epoch > writerEpoch && since < created)
      if (claim !== undefined) {
        throw new Violation(
          `checkpoint ${id} counts, and was written after claim ${claim.epoch} had superseded its writer, ${when}`,
        )
      }
      if (this.refused.has(content)) {
        throw new Violation(`the save of ${id} with content ${content} was refused for certain, and counts ${when}`)
      }
      if (id > latest) latest = id
    }
    return latest
  }

  #seeWhatCeased(view: View, damaged: Damaged, tick: number, mayFall: boolean): void {
    for (const [id, counted] of this.byId) {
      if (!counted.counts || view.isCounting(id)) continue
      // Others removed it. Its id may be taken anew by a writer that had listed before it was there.
      if (damaged.has(id)) this.byId.delete(id)
      counted.counts = false
      counted.last = tick
      if (mayFall) this.shutOut.add(id)
    }
  }
}
