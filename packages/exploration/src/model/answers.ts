import type { Checks } from "./checks.js"
import type { Notes } from "./notes.js"
import type { Acknowledged, Operation } from "./operation.js"
import { Violation } from "./violation.js"

/** What processes were told, and what must be there after a power cut. */
export interface Told {
  /** Also what was removed since. */
  readonly saved: readonly Acknowledged[]
  readonly updates: readonly (readonly [id: number, updates: readonly string[]])[]
  readonly pins: ReadonlyMap<string, number>
  readonly removed: readonly number[]
  /** The highest id that a process was given by a recovery; 0: none was. */
  readonly recovered: number
}

/**
 * Judges the answers to saves, updates, claims, removals and pins, and the checkpoints from which processes go on. For all other
 * readings see `Readings`.
 */
export class Answers {
  readonly #notes: Notes
  readonly #checks: Checks
  /** The ids that processes were told are removed. */
  readonly #removed = new Set<number>()
  #recovered = 0
  /** Saves that were acknowledged. */
  saves = 0

  constructor(notes: Notes, checks: Checks) {
    this.#notes = notes
    this.#checks = checks
  }

  get told(): Told {
    const { acknowledgements, updates, view, pins } = this.#notes
    return {
      saved: [...acknowledgements.byId.values()],
      updates: [...updates.allAcknowledged].filter(([id]) => view.isCounting(id)),
      pins: pins.now(),
      removed: [...this.#removed],
      recovered: this.#recovered,
    }
  }

  /** A save begins to write this id. */
  saving(operation: Operation, id: number): void {
    operation.writes = { id, tick: this.#notes.nextTick() }
  }

  /** The same save is tried once more: an earlier refusal says nothing about this try. */
  tried(content: number): void {
    this.#notes.counted.refused.delete(content)
  }

  saved(operation: Operation, id: number, content: number): void {
    const { view, damaged, doubts, acknowledgements, counted } = this.#notes
    this.saves++
    doubts.now?.saved(operation, id)
    // Another program has damaged the checkpoint before its save was answered.
    const manifest = view.manifests.get(id)
    if (damaged.has(id) && (manifest?.content !== content || !view.isWhole(manifest))) return
    if (doubts.now?.forgets(operation) || acknowledgements.isMissed(operation, id)) return
    if (!doubts.excuse(operation)) counted.assertCountedSince(operation.start, id, content)
    this.#checks.acknowledge(id, content, true)
    this.#checks.check(`when ${id} was acknowledged`)
  }

  /** A save was refused for certain: its checkpoint is not there, and never will be. */
  refused(operation: Operation, content: number): void {
    const { acknowledgements, doubts, counted } = this.#notes
    // The same save, called twice at once, may have been acknowledged by the other call.
    for (const one of acknowledgements.byId.values()) if (one.content === content && one.saved) return
    if (doubts.excuse(operation)) return
    counted.refused.add(content)
    this.#checks.check("when a save was refused")
  }

  updateBegins(operation: Operation, update: string): void {
    this.#notes.claims.updateBegins(operation, update)
  }

  /** `leads`: the process was told that it still led when the update took effect. */
  updated(operation: Operation, id: number, update: string, leads: boolean): void {
    if (leads) this.#notes.claims.updated(operation, id, update)
    if (!this.#notes.isOverwritten(operation, id)) this.#notes.updates.acknowledged(id, update)
    this.#checks.check(`when an update of ${id} was acknowledged`)
  }

  /** An update was refused for certain: its change is not there, and never will be. */
  updateRefused(id: number, update: string): void {
    this.#notes.updates.refused(id, update)
  }

  /** A process was told that it leads. If the history was damaged since the claim began, its epoch may be given again. */
  claimed(operation: Operation, epoch: number): void {
    if (!this.#notes.doubts.haveBegunSince(operation)) this.#notes.claims.given(epoch)
  }

  /** A claim was refused because another process claimed at the same time. */
  claimRefused(operation: Operation): void {
    if (!this.#notes.doubts.excuse(operation)) this.#notes.claims.refused(operation)
  }

  /** A process was given this checkpoint, with these updates: it goes on from there. */
  recovered(operation: Operation, id: number, given: Readonly<Record<string, unknown>>): void {
    const { damaged, view, claims, doubts } = this.#notes
    this.#recovered = Math.max(id, this.#recovered)
    if (damaged.isBroken(id, operation.start)) throw new Violation(`checkpoint ${id} is recovered, and is damaged`)
    if (operation.epoch === 0 || this.#notes.isOverwritten(operation, id)) return
    const updates = [...(view.manifests.get(id)?.updates.keys() ?? [])]
    const lacking = updates.filter((update) => !(update in given))
    claims.recovered(operation, id, !doubts.excuse(operation), lacking)
  }

  /** A process was told that these ids are removed. They never come back. */
  removed(operation: Operation, ids: readonly number[]): void {
    const { view, counted, doubts } = this.#notes
    for (const id of ids) {
      if (view.manifests.has(id) && (counted.createdAt(id) ?? 0) < operation.start)
        throw new Violation(`checkpoint ${id} is said to be removed, and its manifest is there`)
    }
    for (const id of ids) this.#removed.add(id)
    if (doubts.excuse(operation)) return
    for (const id of ids) if (view.isCounting(id)) throw new Violation(`checkpoint ${id} was removed, and counts`)
  }

  pinned(operation: Operation, id: number, name: string): void {
    const { doubts, pins, damaged, view } = this.#notes
    if (!doubts.excuse(operation)) pins.pinned(operation, id, name, damaged.has(id) || view.isCounting(id))
  }

  /** An unpin has ended, with whatever answer. */
  unpinned(name: string): void {
    this.#notes.pins.unpinEnds(name, this.#notes.nextTick())
  }

  pinsRead(operation: Operation, pins: readonly { id: number; name: string }[]): void {
    if (!this.#notes.doubts.excuse(operation)) this.#notes.pins.read(operation, pins)
  }
}
