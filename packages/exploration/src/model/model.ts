import type { Request, Watcher } from "../network/request.js"
import type { Action } from "../scenario/action.js"
import { isProbe, nameOf } from "../storage/keys.js"
import type { SimulatedStorage } from "../storage/storage.js"
import { Claims } from "./claims.js"
import { Counted } from "./counted.js"
import { assertMayDelete } from "./deletions.js"
import { mayRemove } from "./legitimate.js"
import type { Acknowledged, Operation } from "./operation.js"
import { Pins } from "./pins.js"
import { Readings } from "./readings.js"
import { Updates } from "./updates.js"
import { type SeenManifest, View } from "./view.js"
import { Violation } from "./violation.js"

/**
 * The sequential model. After every single request it looks at the storage itself: each acknowledged checkpoint must be
 * there, until an operation removed it that was allowed to. And every answer that a reader is given must agree.
 */
export class Model implements Watcher {
  readonly acknowledged = new Map<number, Acknowledged>()
  readonly readings: Readings
  readonly pins = new Pins()
  readonly #storage: SimulatedStorage
  readonly #view = new View()
  readonly #counted: Counted
  readonly #freesIds: boolean
  readonly #claims = new Claims()
  readonly #updates = new Updates()
  /** When the first object with this key was created, by the storage's clock. */
  readonly #created = new Map<string, number>()
  readonly #removing: Operation[] = []
  #hadClaims = false
  #pointerId = 0
  #applying: Request | undefined
  #tick = 0
  #highestId = 0
  #highestAcknowledged = 0
  #latest = 0

  /** Listings may lag: they need not show what was written or removed a moment ago. */
  readonly #lags: boolean

  /** @param freesIds see {@link Counted} */
  constructor(
    storage: SimulatedStorage,
    acknowledged: readonly { id: number; content: number }[],
    { freesIds, lags }: { freesIds: boolean; lags: boolean },
  ) {
    this.#storage = storage
    this.#lags = lags
    this.#freesIds = freesIds
    this.#counted = new Counted(freesIds)
    this.readings = new Readings(this.#counted, this.#view, this.acknowledged, lags)
    for (const [key, object] of storage.objects) {
      this.#view.change(key, object)
      this.#created.set(key, object.meta.lastModified.getTime())
      this.#highestId = Math.max(this.#highestId, nameOf(key)?.id ?? 0)
    }
    for (const { id, content } of acknowledged) this.#acknowledge(id, content)
    this.#check("at the start")
    storage.onChange = (key, object) => {
      this.#tick++
      const before = this.#view.manifests.has(nameOf(key)?.id ?? 0)
      const name = this.#view.change(key, object)
      if (name === undefined) return
      if (name.kind === "manifest" && before && object !== undefined) this.#seeChange(name.id)
      if (object !== undefined && !this.#created.has(key)) this.#created.set(key, storage.now)
      if (name.id > this.#highestId) this.#highestId = name.id
      if (object !== undefined && name.kind === "state" && !this.isLost(name.id)) return
      this.#check(`after ${object === undefined ? "removing" : "writing"} ${key}`)
    }
  }

  /** The latest checkpoint that counts and is whole. */
  get latest(): number {
    return this.#latest
  }

  /**
   * Whether a reader that saw this checkpoint, the latest, may be told of an older one later: it was shut out by the first
   * claim, or listings lag, or something was lost. What the pointer names is never passed over in silence: see `Readings`.
   */
  mayBePassedOver(id: number): boolean {
    return this.#lags || this.#counted.lost.size > 0 || this.#counted.shutOutByFirstClaim.has(id)
  }

  /** Whether an object of this checkpoint was ever lost. */
  isLost(id: number | undefined): boolean {
    return id !== undefined && this.#counted.lost.has(id)
  }

  /** The highest id that a process cannot be given at this operation: every object, or as much as it can know of. */
  highestTaken({ highestId, named }: Operation): number {
    return this.#lags || this.#counted.lost.size > 0 ? named : highestId
  }

  /** The n-th latest id that ever had an object, from 0. */
  nth(which: number): number {
    return Math.max(1, this.#highestId - which)
  }

  // ---- operations of processes, and their answers

  begin(action: Action, process: string, epoch: number): Operation {
    const operation: Operation = {
      action,
      process,
      epoch,
      start: ++this.#tick,
      acknowledged: this.#highestAcknowledged,
      named: this.#view.pointer.checkpointId,
      highestId: this.#highestId,
      pinned: this.pins.now(),
      lastListing: this.#tick,
    }
    if (action.do === "prune" || action.do === "remove" || action.do === "collectOrphans")
      this.#removing.push(operation)
    if (action.do === "unpin") this.pins.unpinBegins(action.name)
    return operation
  }

  saved(operation: Operation, id: number, content: number): void {
    this.#claims.saved(operation, id)
    this.#acknowledge(id, content)
    this.#check(`when ${id} was acknowledged`)
  }

  /** A save was refused for certain: its checkpoint is not there, and never will be. */
  refused(content: number): void {
    // The same save, called twice at once, may have been acknowledged by the other call.
    for (const one of this.acknowledged.values()) if (one.content === content) return
    this.#counted.refused.add(content)
    this.#check("when a save was refused")
  }

  /** The same save is tried once more: an earlier refusal says nothing about this try. */
  tried(content: number): void {
    this.#counted.refused.delete(content)
  }

  updated(operation: Operation, id: number, update: string): void {
    this.#claims.updated(operation, id, update)
    this.#updates.acknowledged(id, update)
    this.#check(`when an update of ${id} was acknowledged`)
  }

  /** An update was refused for certain: its change is not there, and never will be. */
  updateRefused(id: number, update: string): void {
    this.#updates.refused(id, update)
  }

  claimed(epoch: number): void {
    this.#claims.given(epoch, this.#latest, ++this.#tick)
  }

  /** A process was told that these ids are removed. They never come back. */
  removed(ids: readonly number[]): void {
    for (const id of ids) this.#counted.removed.add(id)
    this.#check("when a removal was acknowledged")
  }

  pinned(operation: Operation, id: number, name: string): void {
    this.pins.pinned(operation, id, name, this.#view.isCounting(id))
  }

  unpinned(name: string): void {
    this.pins.unpinEnds(name, ++this.#tick)
  }

  // ---- requests, as they take effect

  beforeApply(request: Request, late: boolean): void {
    this.#applying = request
    const doing = request.doing as readonly Operation[]
    if (request.firstPage) for (const one of doing) one.lastListing = ++this.#tick
    if (request.kind !== "delete") return
    for (const key of request.keys) {
      if (!this.#storage.objects.has(key)) continue
      if (isProbe(key)) continue
      const created = this.#created.get(key) ?? 0
      assertMayDelete(key, { doing, late, latest: this.#latestKnownTo(doing), created, now: this.#storage.now })
    }
  }

  #seeChange(id: number): void {
    const manifest = this.#view.manifests.get(id)
    if (manifest === undefined) return
    const doing = (this.#applying?.doing ?? []) as readonly Operation[]
    this.#claims.manifestChanged(id, manifest.updates.keys(), doing, this.#tick)
    this.#updates.written(manifest, `after writing its manifest`)
  }

  afterApply(): void {
    this.#applying = undefined
  }

  beforeLoss(id: number): void {
    this.#counted.lost.set(id, ++this.#tick)
  }

  // ---- checks that hold at every moment

  #acknowledge(id: number, content: number): void {
    const before = this.acknowledged.get(id)
    if (before !== undefined && !(before.pruned && this.#freesIds) && !this.isLost(id)) {
      if (before.content === content) return
      throw new Violation(`checkpoint ${id} was acknowledged with content ${before.content}, and now with ${content}`)
    }
    const outranked = this.#latest > id
    this.acknowledged.set(id, { id, content, tick: ++this.#tick, outranked, pruned: false })
    if (id > this.#highestAcknowledged && !this.isLost(id)) this.#highestAcknowledged = id
  }

  #check(when: string): void {
    const { checkpointId } = this.#view.pointer
    if (checkpointId < this.#pointerId) {
      throw new Violation(`the pointer was at ${this.#pointerId}, and is at ${checkpointId} ${when}`)
    }
    this.#pointerId = checkpointId
    const hasClaims = this.#view.pointer.claims.length > 0
    const isFirstClaim = hasClaims && !this.#hadClaims
    this.#hadClaims ||= hasClaims
    if (isFirstClaim && this.#tick > 0) this.readings.firstClaimTick = this.#tick
    const latest = this.#counted.look(this.#view, this.#tick, isFirstClaim, when)
    // Where something is lost, the acknowledged checkpoints of which nothing is lost are looked for all the same.
    const hasLost = this.#counted.lost.size > 0
    if (latest < this.#latest && !isFirstClaim && !hasLost) {
      throw new Violation(`the latest checkpoint was ${this.#latest}, and is ${latest} ${when}`)
    }
    this.#latest = latest
    for (const one of this.acknowledged.values())
      if (!one.pruned && !this.isLost(one.id)) this.#lookForAcknowledged(one, when)
    if (hasLost || this.#lags) this.#highestAcknowledged = this.#highestLeft()
    this.#updates.look((id) => this.#view.counting(id), when)
    if (latest < this.#highestAcknowledged) {
      throw new Violation(
        `${this.#highestAcknowledged} was acknowledged, and the latest checkpoint is ${latest} ${when}`,
      )
    }
  }

  #lookForAcknowledged(one: Acknowledged, when: string): void {
    const manifest = this.#view.manifests.get(one.id)
    if (manifest !== undefined && this.#view.counts(manifest)) {
      this.#compare(one, manifest, when)
      return
    }
    // A save that could not move the pointer is acknowledged all the same, and the first claim finds it by its listing alone.
    if (this.#lags && this.#counted.shutOutByFirstClaim.has(one.id)) {
      one.pruned = true
      return
    }
    const pin = this.pins.nameOf(one.id)
    if (pin !== undefined) throw new Violation(`checkpoint ${one.id} was pinned as ${pin}, and is gone ${when}`)
    if (!this.#removing.some((operation) => mayRemove(operation, one, this.#facts(operation)))) {
      throw new Violation(
        `checkpoint ${one.id} was acknowledged, nothing was to remove it, and it does not count ${when}`,
      )
    }
    one.pruned = true
  }

  #facts(operation: Operation) {
    const latest = this.#latestKnownTo([operation])
    return { counted: this.#counted.byId, created: this.#created, now: this.#storage.now, latest }
  }

  /**
   * The latest checkpoint, as operations may know it: one that was lost after an operation began may have been seen, or is
   * shown by a listing that lags.
   */
  #latestKnownTo(operations: readonly Operation[]): number {
    let latest = this.#latest
    for (const [id, tick] of this.#counted.lost) {
      if (id > latest && (this.#lags || operations.some(({ start }) => start < tick))) latest = id
    }
    return latest
  }

  /** The highest acknowledged id of which nothing was lost, and that was not removed. */
  #highestLeft(): number {
    let highest = 0
    for (const { id, pruned } of this.acknowledged.values()) {
      if (!pruned && !this.isLost(id) && id > highest) highest = id
    }
    return highest
  }

  #compare(one: Acknowledged, manifest: SeenManifest, when: string): void {
    if (manifest.content !== one.content) {
      throw new Violation(
        `checkpoint ${one.id} was acknowledged with content ${one.content}, and has ${manifest.content} ${when}`,
      )
    }
  }
}
