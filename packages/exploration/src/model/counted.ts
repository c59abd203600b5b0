import type { View } from "./view.js"
import { Violation } from "./violation.js"

interface CountedCheckpoint {
  readonly content: number
  /** Whether it counts now. */
  counts: boolean
  /** When it ceased to count. */
  last: number
  /** When another checkpoint was given the id, which was free again. */
  readonly anew?: number
}

/** Which checkpoints ever counted, and what must hold of each at every moment. */
export class Counted {
  readonly byId = new Map<number, CountedCheckpoint>()
  /**
   * Ids that counted for plain readers, were never acknowledged, and were shut out by the first claim of the store.
   * They are no violation: while the first claim is being made, nobody can say which saves are refused already.
   */
  readonly shutOutByFirstClaim = new Set<number>()
  /** Ids that somebody was told are removed. */
  readonly removed = new Set<number>()
  /**
   * Ids of which an object was lost, and when. Such an id may be given again, and its checkpoint may stand without its state.
   */
  readonly lost = new Map<number, number>()
  /** Contents of saves that were refused for certain. A refusal may rest on a manifest that was lost since. */
  readonly refused = new Set<number>()
  readonly #freesIds: boolean

  /** @param freesIds an id that was removed is free again: the pointer has no room for a floor */
  constructor(freesIds: boolean) {
    this.#freesIds = freesIds
  }

  /** Looks at every manifest. Returns the highest id that counts and is whole; 0: none. `when`: for the message of a violation. */
  look(view: View, tick: number, isFirstClaim: boolean, when: string): number {
    this.#seeWhatCeased(view, tick, isFirstClaim)
    let latest = 0
    for (const manifest of view.manifests.values()) {
      if (!view.counts(manifest)) continue
      const { id, content } = manifest
      const counted = this.byId.get(id)
      if (counted === undefined) this.byId.set(id, { content, counts: true, last: 0 })
      else if ((this.#freesIds || this.lost.has(id)) && !counted.counts)
        this.byId.set(id, { content, counts: true, last: 0, ...(counted.content !== content && { anew: tick }) })
      else if (counted.content !== content) {
        throw new Violation(`checkpoint ${id} had content ${counted.content}, and has ${content} ${when}`)
      } else counted.counts = true
      this.shutOutByFirstClaim.delete(id)
      if (!view.isWhole(manifest)) {
        if (this.lost.has(id)) continue
        throw new Violation(`checkpoint ${id} stands without its state ${when}`)
      }
      if (this.removed.has(id) && !this.#freesIds)
        throw new Violation(`checkpoint ${id} was removed, and is back ${when}`)
      const claim = view.shutOutBy(manifest)
      if (claim !== undefined) {
        throw new Violation(`checkpoint ${id} counts, and claim ${claim} had shut it out, ${when}`)
      }
      if (this.refused.has(content) && !this.lost.has(id)) {
        throw new Violation(`the save of ${id} with content ${content} was refused for certain, and counts ${when}`)
      }
      if (id > latest) latest = id
    }
    return latest
  }

  #seeWhatCeased(view: View, tick: number, isFirstClaim: boolean): void {
    for (const [id, counted] of this.byId) {
      if (!counted.counts || view.isCounting(id)) continue
      counted.counts = false
      counted.last = tick
      if (isFirstClaim) this.shutOutByFirstClaim.add(id)
    }
  }
}
