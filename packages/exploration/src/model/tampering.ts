import type { StoredObject } from "../storage/storage.js"
import { Branches } from "./branches.js"
import type { Checks } from "./checks.js"
import type { SeenHistory } from "./history.js"
import type { Notes } from "./notes.js"
import type { HistoryDamage } from "./operation.js"

/** What other programs do to the storage. From then on the model does not expect what they have made impossible. */
export class Tampering {
  readonly #notes: Notes
  readonly #checks: Checks
  readonly #branches = new Branches()

  constructor(notes: Notes, checks: Checks) {
    this.#notes = notes
    this.#checks = checks
  }

  /** Whether another program has damaged anything, or overwritten a manifest. */
  get hasAny(): boolean {
    return this.#notes.isDamaged || this.#notes.pointerDamagedAt >= 0 || this.#notes.overwrittenAt.size > 0
  }

  /** See `Damaged.byReference`. */
  referenceBegins(): void {
    this.#notes.damaged.byReference = true
  }

  /** The history of some writes ago; `undefined`: there is none so old. */
  olderHistory(writesAgo: number): StoredObject | undefined {
    return this.#notes.view.histories.at(-1 - writesAgo)
  }

  /** The pointer of some writes ago; `undefined`: there is none so old. */
  olderPointer(writesAgo: number): StoredObject | undefined {
    return this.#notes.view.pointers.at(-1 - writesAgo)
  }

  /** The manifest of some writes ago; `undefined`: there is none so old. */
  olderManifest(id: number, writesAgo: number): StoredObject | undefined {
    return this.#notes.view.writtenOf(id).at(-1 - writesAgo)
  }

  /** Another program damages the history. `change` does it. */
  damageHistory(how: HistoryDamage, left: StoredObject | undefined, change: () => void): void {
    const { view, acknowledgements } = this.#notes
    const before = view.history
    view.damageHistory(left)
    this.doubtHistory(how, before, left === undefined ? undefined : view.history)
    const from = left === undefined ? -1 : view.histories.indexOf(left)
    const since = this.#branches.damaged(from, view.histories.length, this.#notes.tick)
    if (since !== undefined) acknowledgements.miss(this.#notes.tick, ({ tick }) => tick > since)
    this.#damaging(change)
  }

  /**
   * From now on, until the history is built anew, nothing is known for certain of which checkpoints count, who leads and what is pinned.
   * So it is, too, where the manifest of a store shows that a history built anew is lost again. For the parameters see `Doubt`.
   */
  doubtHistory(how: HistoryDamage, before: SeenHistory, putBack?: SeenHistory): void {
    const { doubts, counted, claims, pins } = this.#notes
    doubts.begin(how, before, this.#notes.nextTick(), putBack)
    counted.forgetAll()
    claims.forgetAll()
    pins.forgetAll()
  }

  /** A checkpoint is damaged, removed by others, or lost. `change` does it. */
  damageCheckpoint(id: number, change: () => void): void {
    const { damaged, acknowledgements, counted, claims, updates } = this.#notes
    damaged.add(id, acknowledgements.byId.get(id)?.pruned === false, this.#notes.nextTick())
    acknowledgements.forget(id)
    counted.forget(id)
    claims.forget(id)
    updates.forget(id)
    this.#checks.forgetLatest()
    this.#damaging(change)
    this.#checks.check(`after checkpoint ${id} was damaged`)
  }

  /**
   * The pointer is removed, garbled or put back. `change` does it. It is a hint: nothing else is lost, and all that is promised of
   * checkpoints still is.
   */
  damagePointer(change: () => void): void {
    this.#notes.pointerDamagedAt = this.#notes.nextTick()
    this.#notes.doubts.now?.pointerIsDamaged()
    this.#damaging(change)
  }

  /** A manifest is put back as it was. `change` does it. Its checkpoint is whole all the same, and as promised. */
  rollManifestBack(id: number, change: () => void): void {
    this.overwriteManifest(id)
    change()
  }

  /** Another program overwrites a manifest: our updates and the mark of a leader in it are lost. */
  overwriteManifest(id: number): void {
    const { overwrittenAt, claims, updates } = this.#notes
    overwrittenAt.set(id, this.#notes.nextTick())
    claims.forget(id)
    updates.forget(id)
  }

  #damaging(change: () => void): void {
    this.#notes.isDamaging = true
    change()
    this.#notes.isDamaging = false
  }
}
