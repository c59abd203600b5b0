import type { Request, Watcher } from "../network/request.js"
import type { Action } from "../scenario/action.js"
import { nameOf } from "../storage/keys.js"
import type { SimulatedStorage, StoredObject } from "../storage/storage.js"
import { Acknowledgements } from "./acknowledgements.js"
import { Branches } from "./branches.js"
import { Claims } from "./claims.js"
import { Counted } from "./counted.js"
import { Damaged } from "./damaged.js"
import { assertMayDelete } from "./deletions.js"
import { Doubt } from "./doubt.js"
import { isDead, type SeenHistory } from "./history.js"
import { mayRemove } from "./legitimate.js"
import type { Acknowledged, HistoryDamage, Operation } from "./operation.js"
import { Pins } from "./pins.js"
import { Readings } from "./readings.js"
import { Updates } from "./updates.js"
import { View } from "./view.js"
import { Violation } from "./violation.js"

/** What processes were told. */
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
 * The sequential model. After every single request it looks at the storage itself: each acknowledged checkpoint must be
 * there, until an operation removed it that was allowed to. And every answer that a reader is given must agree.
 */
export class Model implements Watcher {
  readonly acknowledged: ReadonlyMap<number, Acknowledged>
  readonly #acknowledgements: Acknowledgements
  readonly readings: Readings
  readonly pins = new Pins()
  readonly damaged: Damaged
  readonly #storage: SimulatedStorage
  readonly #view = new View()
  readonly #counted = new Counted()
  readonly #claims = new Claims()
  readonly #updates = new Updates()
  /** When the first object with this key was created, by the storage's clock. */
  readonly #created = new Map<string, number>()
  readonly #removing: Operation[] = []
  /** The ids that processes were told are removed. */
  readonly #removed = new Set<number>()
  #doubt: Doubt | undefined
  /** When another program last overwrote the manifest of a checkpoint. */
  readonly #overwrittenAt = new Map<number, number>()
  readonly #branches = new Branches()
  /** When the history was last damaged; -1: never. */
  #damagedAt = -1
  /** What the sender of the last request was doing. */
  #doing: readonly Operation[] = []
  /** When the history was last built anew, after a damage; -1: never. */
  #rebuiltAt = -1
  #isDamaging = false
  /** When the pointer was last damaged; -1: never. */
  #pointerDamagedAt = -1
  #pointerId = 0
  #tick = 0
  #highestId = 0
  #latest = 0
  #recovered = 0
  /** Saves that were acknowledged. */
  saves = 0

  /** Listings show no one moment. */
  readonly #mixes: boolean

  /**
   * @param lags listings may lag: they need not show what was written or removed a moment ago
   * @param mixes listings need not show what was written or removed since they began
   */
  constructor(
    storage: SimulatedStorage,
    acknowledged: readonly { id: number; content: number }[],
    lags: boolean,
    mixes: boolean,
  ) {
    this.#mixes = mixes
    this.#storage = storage
    this.damaged = new Damaged(this.#view, lags)
    this.#acknowledgements = new Acknowledgements(this.#view, lags)
    this.acknowledged = this.#acknowledgements.byId
    this.readings = new Readings(this.#counted, {
      acknowledged: this.acknowledged,
      highest: (operation) => this.#acknowledgements.before(operation, this.damaged.has(undefined)),
      mustTell: () => this.damaged.mustTell,
      isDamaged: (id) => this.damaged.has(id),
      damagedUntil: () => (this.#doubt === undefined ? this.#rebuiltAt : Number.POSITIVE_INFINITY),
      lags,
    })
    for (const [key, object] of storage.objects) {
      this.#view.change(key, object, false)
      this.#created.set(key, object.meta.lastModified.getTime())
      this.#highestId = Math.max(this.#highestId, nameOf(key)?.id ?? 0)
    }
    for (const { id, content } of acknowledged) this.#acknowledge(id, content, true)
    this.#check("at the start")
    storage.onChange = (key, object) => this.#changed(key, object)
  }

  /** That counts and is whole. */
  get latest(): number {
    return this.#latest
  }

  /** Whether a reader that saw this checkpoint, the latest, may be told of an older one later. */
  mayBePassedOver(id: number): boolean {
    return this.#acknowledgements.lags || this.isDamaged || this.#counted.shutOut.has(id)
  }

  /** The highest id that a process cannot be given: of every object, or of what it can know. */
  highestTaken({ highestId, named, start }: Operation): number {
    if (!this.#acknowledgements.lags && !this.isDamaged) return highestId
    return start < this.#pointerDamagedAt ? 0 : named
  }

  /** What a reader saw before says nothing: checkpoints or the history were damaged. */
  get isDamaged(): boolean {
    return this.#damagedAt >= 0 || this.damaged.has(undefined)
  }

  /** Other programs have changed anything. */
  get isTampered(): boolean {
    return this.isDamaged || this.#pointerDamagedAt >= 0 || this.#overwrittenAt.size > 0
  }

  /** The n-th latest id that ever had an object, from 0. */
  nth(which: number): number {
    return Math.max(1, this.#highestId - which)
  }

  begin(action: Action, process: string, epoch: number): Operation {
    const operation: Operation = {
      action,
      process,
      epoch,
      start: ++this.#tick,
      acknowledged: this.#acknowledgements.expected,
      named: this.damaged.byReference ? 0 : this.#view.pointer.checkpointId,
      highestId: this.#highestId,
      mustTell: this.damaged.mustTell,
      pinned: this.pins.now(),
      lastListing: this.#tick,
    }
    if (action.do === "prune" || action.do === "remove" || action.do === "collectOrphans")
      this.#removing.push(operation)
    if (action.do === "unpin") this.pins.unpinBegins(action.name)
    return operation
  }

  saved(operation: Operation, id: number, content: number): void {
    this.saves++
    this.#doubt?.saved(operation, id)
    // Another program has damaged the checkpoint before its save was answered.
    const manifest = this.#view.manifests.get(id)
    if (this.damaged.has(id) && (manifest?.content !== content || !this.#view.isWhole(manifest))) return
    if (this.#doubt?.forgets(operation) || this.#acknowledgements.isMissed(operation, id)) return
    if (!this.#isExcused(operation)) this.#counted.assertCountedSince(operation.start, id, content)
    this.#acknowledge(id, content, true)
    this.#check(`when ${id} was acknowledged`)
  }

  /** A save was refused for certain: its checkpoint is not there, and never will be. */
  refused(operation: Operation, content: number): void {
    // The same save, called twice at once, may have been acknowledged by the other call.
    for (const one of this.acknowledged.values()) if (one.content === content && one.saved) return
    if (this.#isExcused(operation)) return
    this.#counted.refused.add(content)
    this.#check("when a save was refused")
  }

  /** The same save is tried once more: an earlier refusal says nothing about this try. */
  tried(content: number): void {
    this.#counted.refused.delete(content)
  }

  updateBegins(operation: Operation, update: string): void {
    this.#claims.updateBegins(operation, update)
  }

  /** `leads`: the process was told that it still led when the update took effect. */
  updated(operation: Operation, id: number, update: string, leads: boolean): void {
    if (leads) this.#claims.updated(operation, id, update)
    if (!this.#isOverwritten(operation, id)) this.#updates.acknowledged(id, update)
    this.#check(`when an update of ${id} was acknowledged`)
  }

  /** An update was refused for certain: its change is not there, and never will be. */
  updateRefused(id: number, update: string): void {
    this.#updates.refused(id, update)
  }

  claimed({ start }: Operation, epoch: number): void {
    if (start > this.#damagedAt) this.#claims.given(epoch)
  }

  /** A claim was refused because another process claimed at the same time. */
  claimRefused(operation: Operation): void {
    if (!this.#isExcused(operation)) this.#claims.refused(operation)
  }

  /** A process was given this checkpoint, with these updates: it goes on from there. */
  recovered(operation: Operation, id: number, given: Readonly<Record<string, unknown>>): void {
    this.#recovered = Math.max(id, this.#recovered)
    if (this.damaged.isBroken(id, operation.start)) throw new Violation(`checkpoint ${id} is recovered, and is damaged`)
    if (operation.epoch === 0 || this.#isOverwritten(operation, id)) return
    const updates = [...(this.#view.manifests.get(id)?.updates.keys() ?? [])]
    const lacking = updates.filter((update) => !(update in given))
    this.#claims.recovered(operation, id, !this.#isExcused(operation), lacking)
  }

  /** What processes were told, as it must be there after a power cut. */
  get told(): Told {
    const updates = [...this.#updates.allAcknowledged].filter(([id]) => this.#view.isCounting(id))
    return {
      saved: [...this.acknowledged.values()],
      updates,
      pins: this.pins.now(),
      removed: [...this.#removed],
      recovered: this.#recovered,
    }
  }

  /** Whether the manifest of this content is there. */
  isWritten(id: number, content: number): boolean {
    return this.#view.manifests.get(id)?.content === content
  }

  saving(operation: Operation, id: number): void {
    operation.writes = { id, tick: ++this.#tick }
  }

  /** A process was told that these ids are removed. They never come back. */
  removed(operation: Operation, ids: readonly number[]): void {
    for (const id of ids) {
      if (this.#view.manifests.has(id) && (this.#counted.createdAt(id) ?? 0) < operation.start)
        throw new Violation(`checkpoint ${id} is said to be removed, and its manifest is there`)
    }
    for (const id of ids) this.#removed.add(id)
    if (this.#isExcused(operation)) return
    for (const id of ids) if (this.#view.isCounting(id)) throw new Violation(`checkpoint ${id} was removed, and counts`)
  }

  pinned(operation: Operation, id: number, name: string): void {
    if (this.#isExcused(operation)) return
    this.pins.pinned(operation, id, name, this.damaged.has(id) || this.#view.isCounting(id))
  }

  unpinned(name: string): void {
    this.pins.unpinEnds(name, ++this.#tick)
  }

  pinsRead(operation: Operation, pins: readonly { id: number; name: string }[]): void {
    if (!this.#isExcused(operation)) this.pins.read(operation, pins)
  }

  /** Of what changes the store: it reads the history before it is answered, so from the rebuilding on it is judged again. */
  #isExcused({ start }: Operation): boolean {
    return this.#doubt !== undefined || start <= this.#damagedAt
  }

  /** The history of some writes ago; `undefined`: there is none so old. */
  olderHistory(writesAgo: number): StoredObject | undefined {
    return this.#view.histories.at(-1 - writesAgo)
  }

  /** Another program damages the history. `change` does it. */
  damageHistory(how: HistoryDamage, left: StoredObject | undefined, change: () => void): void {
    const before = this.#view.history
    const { histories } = this.#view
    this.#view.damageHistory(left)
    this.#beginDoubt(how, before, left === undefined ? undefined : this.#view.history)
    const since = this.#branches.damaged(
      left === undefined ? -1 : histories.indexOf(left),
      histories.length,
      this.#tick,
    )
    if (since !== undefined) this.#acknowledgements.miss(this.#tick, ({ tick }) => tick > since)
    this.#damaging(change)
  }

  #beginDoubt(how: HistoryDamage, before: SeenHistory, putBack?: SeenHistory): void {
    this.#damagedAt = ++this.#tick
    this.#doubt = new Doubt(how, this.#doubt?.before ?? before, this.#view, this.#tick, putBack)
    this.#counted.forgetAll()
    this.#claims.forgetAll()
    this.pins.forgetAll()
  }

  /** A checkpoint is damaged, removed by others, or lost. `change` does it. */
  damageCheckpoint(id: number, change: () => void): void {
    this.damaged.add(id, this.acknowledged.get(id)?.pruned === false, ++this.#tick)
    this.#acknowledgements.byId.delete(id)
    this.#counted.forget(id)
    this.#claims.forget(id)
    this.#updates.forget(id)
    this.#latest = 0
    this.#damaging(change)
    this.#check(`after checkpoint ${id} was damaged`)
  }

  /** The pointer of some writes ago; `undefined`: there is none so old. */
  olderPointer(writesAgo: number): StoredObject | undefined {
    return this.#view.pointers.at(-1 - writesAgo)
  }

  /**
   * The pointer is removed, garbled or put back. `change` does it. It is a hint: nothing else is lost, and all that is promised of
   * checkpoints still is.
   */
  damagePointer(change: () => void): void {
    this.#pointerDamagedAt = ++this.#tick
    this.#doubt?.pointerIsDamaged()
    this.#damaging(change)
  }

  /** The manifest of some writes ago; `undefined`: there is none so old. */
  olderManifest(id: number, writesAgo: number): StoredObject | undefined {
    return this.#view.writtenOf(id).at(-1 - writesAgo)
  }

  /** A manifest is put back as it was. `change` does it. Its checkpoint is whole all the same, and as promised. */
  rollManifestBack(id: number, change: () => void): void {
    this.#overwrite(id)
    change()
  }

  /** Another program overwrites a manifest: our updates and the mark of a leader in it are lost. */
  #overwrite(id: number): void {
    this.#overwrittenAt.set(id, ++this.#tick)
    this.#claims.forget(id)
    this.#updates.forget(id)
  }

  /** Whether another program has overwritten the manifest since the operation began: its work may be lost before it is answered. */
  #isOverwritten({ start }: Operation, id: number): boolean {
    return start < (this.#overwrittenAt.get(id) ?? 0)
  }

  #damaging(change: () => void): void {
    this.#isDamaging = true
    change()
    this.#isDamaging = false
  }

  beforeApply(request: Request, late: boolean): void {
    const doing = request.doing as readonly Operation[]
    this.#doing = doing
    if (request.firstPage && !this.#mixes) for (const one of doing) one.lastListing = ++this.#tick
    if (request.kind === "put" && doing[0]?.action.do === "reference update")
      for (const key of request.keys) this.#overwrite(nameOf(key)?.id ?? 0)
    if (request.kind !== "delete") return
    if (doing[0]?.action.do === "reference prune") {
      for (const key of request.keys)
        if (this.#storage.objects.has(key)) this.damageCheckpoint(nameOf(key)?.id ?? 0, () => {})
      return
    }
    const doubt = this.#doubt
    const { history } = this.#view
    const lost = doubt?.isTold === true ? doubt.tick : undefined
    // What was dead when a removal began may be kept by a history that was built anew since.
    const isOld = doing.some(({ start }) => start <= this.#damagedAt)
    const dead = (id: number) => (doubt?.isDead(id) ?? isDead(id, history)) || (isOld && this.#view.wasEverDead(id))
    const latest = this.damaged.latestKnownTo(doing, this.#latest)
    const stands = (id: number, since: number) =>
      this.#view.manifests.has(id) && (this.#counted.createdAt(id) ?? 0) < since
    assertMayDelete(request.keys, this.#storage, { doing, late, latest, isDead: dead, stands, lost })
  }

  #changed(key: string, object: StoredObject | undefined): void {
    this.#tick++
    const view = this.#view
    const had = view.manifests.has(nameOf(key)?.id ?? 0)
    const before = view.history
    const name = view.change(key, object, this.#isDamaging)
    if (name === undefined) return
    const { kind, id } = name
    const when = `after ${object === undefined ? "removing" : "writing"} ${key}`
    if (kind === "manifest" && object !== undefined && !this.#isDamaging) this.#manifestWritten(id, had, when)
    if (object !== undefined && !this.#created.has(key)) this.#created.set(key, this.#storage.now)
    if (id > this.#highestId) this.#highestId = id
    if (kind === "history" && !this.#isDamaging && object !== undefined) {
      this.#historyWritten(before, view.history, when)
    } else if (object === undefined || kind !== "state") {
      if (this.damaged.has(id)) this.#latest = 0
      this.#check(when)
    }
  }

  #manifestWritten(id: number, had: boolean, when: string): void {
    const manifest = this.#view.manifests.get(id)
    if (manifest === undefined) return
    // A damaged history was built anew below a claim that no manifest told of, until now: to those who read this one it is lost again.
    if (this.#damagedAt >= 0 && this.#doubt === undefined && manifest.carries > this.#view.history.epoch)
      this.#beginDoubt("roll back", this.#view.history)
    if (!had) this.#counted.created(id, this.#tick)
    else {
      this.#updates.written(manifest, when)
      this.#claims.manifestChanged(id, manifest.updates.keys(), this.#tick)
    }
  }

  /** A store has written the history. Where that gives a claim, whatever counts then is kept. */
  #historyWritten(before: SeenHistory, now: SeenHistory, when: string): void {
    if (now.claimant !== undefined) {
      this.#claims.announced(now.claimant, this.#tick)
      this.#acknowledgements.claimBegins()
    }
    const isClaim = now.epoch > before.epoch
    const isAnew = now.lineage !== before.lineage
    if (isAnew) this.#doubt?.assertMayMakeAnew(this.#doing)
    if (isClaim) {
      this.#counted.epochBegins(now.epoch, this.#tick)
      this.#claims.began(now.epoch, this.#tick)
    }
    // Below a claim that a manifest tells of, it is lost once more to those who read that manifest.
    const isOver = this.#doubt !== undefined && (isClaim || isAnew) && this.#view.carried <= now.epoch
    if (isClaim && this.#doubt === undefined) this.damaged.assertKept(before, now)
    const isRevived = this.#doubt?.revives(before, now) === true
    if (isOver) {
      this.#doubt = undefined
      this.#rebuiltAt = this.#tick
    }
    if (isClaim) {
      const begun = isRevived ? this.#claims.announcedAt(now.writer as string) : undefined
      this.#acknowledgements.claimed(this.#tick, begun)
    }
    this.#check(when, isClaim || isOver)
    if (!isClaim) return
    for (const one of this.#view.manifests.values())
      if (this.#view.counts(one) && this.damaged.isWhole(one)) this.#acknowledge(one.id, one.content, false)
  }

  /** @param saved false: nobody was told of it, but a claim has kept it */
  #acknowledge(id: number, content: number, saved: boolean): void {
    this.#acknowledgements.add({ id, content, saved, tick: ++this.#tick, outranked: this.#latest > id })
  }

  #check(when: string, isClaim = false): void {
    const { checkpointId } = this.#view.pointer
    if (checkpointId < this.#pointerId && !this.damaged.byReference && !this.#isDamaging) {
      throw new Violation(`the pointer was at ${this.#pointerId}, and is at ${checkpointId} ${when}`)
    }
    this.#pointerId = checkpointId
    if (this.#doubt !== undefined)
      this.#latest = Math.max(this.#acknowledgements.highest, this.#doubt.latestOfForgotten, this.#view.latest)
    else {
      const latest = this.#counted.look(this.#view, this.damaged, this.#tick, isClaim, when)
      // A removal may have gone by a later checkpoint that was damaged since.
      const known = this.damaged.latestKnownTo(this.#removing, this.#latest)
      if (latest < this.#latest && !isClaim && known === this.#latest) {
        throw new Violation(`the latest checkpoint was ${this.#latest}, and is ${latest} ${when}`)
      }
      this.#latest = latest
    }
    for (const one of this.#acknowledgements.missing(this.#doubt, when)) this.#mustBeRemoved(one, when)
    this.#updates.look((id) => this.#view.counting(id), when)
  }

  #mustBeRemoved(one: Acknowledged, when: string): void {
    const { id } = one
    const pin = this.pins.nameOf(id)
    if (pin !== undefined) throw new Violation(`checkpoint ${id} was pinned as ${pin}, and is gone ${when}`)
    if (!this.#removing.some((operation) => mayRemove(operation, one, this.#facts(operation)))) {
      throw new Violation(`checkpoint ${id} was acknowledged, nothing was to remove it, and it does not count ${when}`)
    }
    one.pruned = true
  }

  #facts(operation: Operation) {
    const seen = this.#doubt === undefined ? this.#counted.byId : this.#view.manifests
    const counted = [...new Set([...seen.keys(), ...this.damaged.ids])]
    const latest = this.damaged.latestKnownTo([operation], this.#latest)
    return { counted, created: this.#created, now: this.#storage.now, latest }
  }
}
