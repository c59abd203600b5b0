import type { Request, Watcher } from "../network/request.js"
import { type Action, describeAction } from "../scenario/action.js"
import type { SimulatedStorage } from "../storage/storage.js"
import { mayRemove } from "./legitimate.js"
import type { Acknowledged, Operation } from "./operation.js"
import { nameOf, type SeenManifest, View } from "./view.js"

/** What must hold and did not. */
export class Violation extends Error {}

/**
 * The sequential model: what was acknowledged must be there, in the storage itself, after every single request, until an
 * operation removed it that was allowed to; and no reader is told anything else.
 */
export class Model implements Watcher {
  readonly view = new View()
  readonly acknowledged = new Map<number, Acknowledged>()
  /** Of each id that ever counted: whether it does, with which content, and when it ceased to. */
  readonly counted = new Map<number, { content: number; counts: boolean; last: number }>()
  /** When the first object with this key was created, by the storage's clock. */
  readonly created = new Map<string, number>()
  /** Pins that hold: told so, and nobody began to take them away. */
  readonly pins = new Map<string, number>()
  /**
   * What counted for plain readers, was never acknowledged, and was shut out when the store was claimed for the first
   * time: until then nobody can say which saves are refused already.
   */
  readonly shutOutByFirstClaim = new Set<number>()
  /** Of each name: when the last unpin of it ended, and how many are under way. */
  readonly #unpins = new Map<string, { ended: number; underWay: number }>()
  #hadClaims = false
  #firstClaimTick = -1
  /** Somebody may have collected the probe of another while that stood still. */
  probesCollected = false
  readonly #storage: SimulatedStorage
  readonly #claims: { epoch: number; latest: number; tick: number }[] = []
  /** When each update took effect. */
  readonly #updateTicks = new Map<string, number>()
  readonly #removing: Operation[] = []
  readonly #removed = new Set<number>()
  /** Contents of saves that were refused for certain. */
  readonly #refused = new Set<number>()
  #pointerId = 0
  #applying: Request | undefined
  #tick = 0
  #highestId = 0
  #highestAcknowledged = 0
  #latest = 0

  constructor(storage: SimulatedStorage, acknowledged: readonly { id: number; content: number }[]) {
    this.#storage = storage
    for (const [key, object] of storage.objects) {
      this.view.change(key, object)
      this.created.set(key, object.meta.lastModified.getTime())
      this.#highestId = Math.max(this.#highestId, nameOf(key)?.id ?? 0)
    }
    for (const { id, content } of acknowledged) this.#acknowledge(id, content)
    this.#check("at the start")
    storage.onChange = (key, object) => {
      this.#tick++
      const before = this.view.manifests.has(nameOf(key)?.id ?? 0)
      const name = this.view.change(key, object)
      if (name === undefined) return
      if (name.kind === "manifest" && before && object !== undefined) this.#seeUpdate(name.id)
      if (object !== undefined && !this.created.has(key)) this.created.set(key, storage.now)
      if (name.id > this.#highestId) this.#highestId = name.id
      if (object !== undefined && name.kind === "state") return
      this.#check(`after ${object === undefined ? "removing" : "writing"} ${key}`)
    }
  }

  /** The latest checkpoint that counts and is whole. */
  get latest(): number {
    return this.#latest
  }

  get latestAcknowledged(): number {
    return this.#highestAcknowledged
  }

  /** The n-th latest id that ever had an object, from 0. */
  nth(which: number): number {
    return Math.max(1, this.#highestId - which)
  }

  isCounting(id: number): boolean {
    const manifest = this.view.manifests.get(id)
    return manifest !== undefined && this.view.counts(manifest)
  }

  // ---- what processes do and are told

  begin(action: Action, process: string, epoch: number): Operation {
    const operation: Operation = {
      action,
      process,
      epoch,
      start: ++this.#tick,
      acknowledged: this.#highestAcknowledged,
      highestId: this.#highestId,
      pinned: new Map(this.pins),
      lastListing: this.#tick,
    }
    if (action.do === "prune" || action.do === "remove" || action.do === "collectOrphans")
      this.#removing.push(operation)
    if (action.do === "unpin") {
      this.pins.delete(action.name)
      this.#unpinsOf(action.name).underWay++
    }
    return operation
  }

  saved(operation: Operation, id: number, content: number): void {
    const superseded = this.#claims.find((claim) => claim.epoch > operation.epoch && claim.latest < id)
    if (superseded !== undefined) {
      const writer = operation.epoch === 0 ? "a plain writer" : `the writer of claim ${operation.epoch}`
      throw new Violation(
        `checkpoint ${id} of ${writer} was acknowledged after claim ${superseded.epoch} had been given, at ${superseded.latest}`,
      )
    }
    this.#acknowledge(id, content)
    this.#check(`when ${id} was acknowledged`)
  }

  /** A save was refused in a way that says: it is not there and never will be. */
  refused(content: number): void {
    // The same save, called twice at once, may have been acknowledged by the other call.
    for (const one of this.acknowledged.values()) if (one.content === content) return
    this.#refused.add(content)
    this.#check("when a save was refused")
  }

  /** The same save is tried once more: what was refused before may succeed now. */
  tried(content: number): void {
    this.#refused.delete(content)
  }

  updated(operation: Operation, id: number, update: string): void {
    const applied = this.#updateTicks.get(update) ?? 0
    const superseded = this.#claims.find((claim) => claim.epoch > operation.epoch && claim.tick < applied)
    if (superseded !== undefined && operation.epoch > 0) {
      throw new Violation(
        `update ${update} of ${id} was acknowledged, and took effect after claim ${superseded.epoch} had been given`,
      )
    }
    this.acknowledged.get(id)?.updates.push(update)
    this.#check(`when an update of ${id} was acknowledged`)
  }

  claimed(epoch: number): void {
    this.#tick++
    this.#claims.push({ epoch, latest: this.#latest, tick: this.#tick })
  }

  /** A reader was told that `id` (0: nothing) is the latest. */
  readLatest(operation: Operation, id: number, content: number | undefined): void {
    if (id < operation.acknowledged) {
      throw new Violation(`the latest is said to be ${id}, and ${operation.acknowledged} had been acknowledged before`)
    }
    if (id > 0) this.readOne(operation, id, content)
  }

  /** A reader was told that `id` is a checkpoint. */
  readOne(operation: Operation, id: number, content: number | undefined): void {
    const counted = this.counted.get(id)
    // A reader that knew nothing of the first claim yet.
    if (counted === undefined && this.#firstClaimTick >= operation.start) return
    if (counted === undefined || (!counted.counts && counted.last < operation.start)) {
      throw new Violation(`checkpoint ${id} was read, and did not count at any moment of this read`)
    }
    if (content !== undefined && counted.content !== content) {
      throw new Violation(`checkpoint ${id} was read with content ${content}; it has content ${counted.content}`)
    }
  }

  /** A reader was told of all checkpoints. */
  readAll(operation: Operation, ids: readonly number[]): void {
    for (const id of ids) this.readOne(operation, id, undefined)
    this.#nothingMissing(operation, ids)
  }

  #nothingMissing(operation: Operation, ids: readonly number[]): void {
    if (ids.some((id, index) => index > 0 && id <= (ids[index - 1] as number))) {
      throw new Violation(`the ids are not ascending: ${ids.join(" ")}`)
    }
    for (const { id, tick, pruned } of this.acknowledged.values()) {
      if (pruned || tick > operation.start || ids.includes(id)) continue
      throw new Violation(
        `checkpoint ${id} was acknowledged, is there, and is missing from ${ids.join(" ") || "nothing"}`,
      )
    }
  }

  /** Somebody was told that these are removed. They never come back. */
  removed(ids: readonly number[]): void {
    for (const id of ids) this.#removed.add(id)
    this.#check("when a removal was acknowledged")
  }

  pinned(operation: Operation, id: number, name: string): void {
    // Somebody began to take it away meanwhile: either may have come first.
    const unpins = this.#unpinsOf(name)
    if (unpins.underWay > 0 || unpins.ended > operation.start) return
    const other = this.pins.get(name)
    if (other !== undefined && other !== id) throw new Violation(`${name} pins ${other}, and now ${id}`)
    if (!this.isCounting(id)) throw new Violation(`checkpoint ${id} was pinned as ${name}, and does not count`)
    this.pins.set(name, id)
  }

  unpinned(name: string): void {
    const unpins = this.#unpinsOf(name)
    unpins.underWay--
    unpins.ended = ++this.#tick
  }

  #unpinsOf(name: string): { ended: number; underWay: number } {
    const unpins = this.#unpins.get(name) ?? { ended: 0, underWay: 0 }
    this.#unpins.set(name, unpins)
    return unpins
  }

  readPins(operation: Operation, pins: readonly { id: number; name: string }[]): void {
    for (const [name, id] of operation.pinned) {
      if (this.pins.get(name) !== id || pins.some((pin) => pin.name === name && pin.id === id)) continue
      throw new Violation(`checkpoint ${id} is pinned as ${name}, and that is not among the pins`)
    }
  }

  /** As `readAll`, for a reader that does not look at manifests: others may be among them. */
  readIds(operation: Operation, ids: readonly number[]): void {
    this.#nothingMissing(operation, ids)
  }

  // ---- what requests do

  /** Once a claim is given, nobody before it changes the manifest that its holder recovers from. */
  #seeUpdate(id: number): void {
    for (const update of this.view.manifests.get(id)?.updates ?? []) {
      if (!this.#updateTicks.has(update)) this.#updateTicks.set(update, this.#tick)
    }
    const doing = (this.#applying?.doing ?? []) as readonly Operation[]
    const [first] = doing
    if (first === undefined) return
    const claim = this.#claims.find(({ epoch, latest }) => epoch > first.epoch && latest === id)
    if (claim !== undefined && doing.every(({ action }) => action.do === "update")) {
      throw new Violation(
        `an update of ${id} by ${first.process} takes effect after claim ${claim.epoch} had been given`,
      )
    }
  }

  beforeApply(request: Request, late: boolean): void {
    this.#applying = request
    if (request.firstPage) for (const one of request.doing as readonly Operation[]) one.lastListing = ++this.#tick
    if (request.kind !== "delete") return
    const doing = request.doing as readonly Operation[]
    for (const key of request.keys) {
      if (!this.#storage.objects.has(key)) continue
      if (key.includes(".ckpt-probe-")) {
        this.probesCollected ||= doing.some(({ action }) => action.do === "collectOrphans")
        continue
      }
      const name = nameOf(key)
      if (name === undefined) continue
      if (name.kind === "pointer") throw new Violation("the pointer is deleted")
      if (name.id >= this.#latest) {
        throw new Violation(`${key} is deleted, at or above the latest valid checkpoint, ${this.#latest}`)
      }
      if (late || doing.length !== 1) continue
      const [{ action }] = doing as readonly [Operation]
      if (action.do === "collectOrphans") {
        const age = this.#storage.now - (this.created.get(key) ?? 0)
        if (age < action.olderThanMs) {
          throw new Violation(`${key} is collected at the age of ${age} ms, younger than ${action.olderThanMs}`)
        }
      } else if (action.do !== "prune" && action.do !== "remove") {
        throw new Violation(`${key} is deleted by ${describeAction(action)}`)
      }
    }
  }

  afterApply(): void {
    this.#applying = undefined
  }

  // ---- what must hold at every moment

  #acknowledge(id: number, content: number): void {
    const before = this.acknowledged.get(id)
    if (before !== undefined) {
      if (before.content === content) return
      throw new Violation(`checkpoint ${id} was acknowledged with content ${before.content}, and now with ${content}`)
    }
    const outranked = this.#latest > id
    this.acknowledged.set(id, { id, content, tick: ++this.#tick, outranked, updates: [], pruned: false })
    if (id > this.#highestAcknowledged) this.#highestAcknowledged = id
  }

  #check(when: string): void {
    const { checkpointId } = this.view.pointer
    if (checkpointId < this.#pointerId) {
      throw new Violation(`the pointer was at ${this.#pointerId}, and is at ${checkpointId} ${when}`)
    }
    this.#pointerId = checkpointId
    const hasClaims = this.view.pointer.claims.length > 0
    const firstClaim = hasClaims && !this.#hadClaims
    this.#hadClaims ||= hasClaims
    if (firstClaim && this.#tick > 0) this.#firstClaimTick = this.#tick
    const latest = this.#lookAtAll(when, firstClaim)
    if (latest < this.#latest && !firstClaim)
      throw new Violation(`the latest checkpoint was ${this.#latest}, and is ${latest} ${when}`)
    this.#latest = latest
    for (const one of this.acknowledged.values()) if (!one.pruned) this.#lookForAcknowledged(one, when)
    if (latest < this.#highestAcknowledged) {
      throw new Violation(
        `${this.#highestAcknowledged} was acknowledged, and the latest checkpoint is ${latest} ${when}`,
      )
    }
  }

  #lookAtAll(when: string, firstClaim: boolean): number {
    let latest = 0
    for (const [id, counted] of this.counted) {
      const manifest = this.view.manifests.get(id)
      if (!counted.counts || (manifest !== undefined && this.view.counts(manifest))) continue
      counted.counts = false
      counted.last = this.#tick
      if (firstClaim) this.shutOutByFirstClaim.add(id)
    }
    for (const manifest of this.view.manifests.values()) {
      if (!this.view.counts(manifest)) continue
      const { id, content } = manifest
      const counted = this.counted.get(id)
      if (counted === undefined) this.counted.set(id, { content, counts: true, last: 0 })
      else if (counted.content !== content) {
        throw new Violation(`checkpoint ${id} had content ${counted.content}, and has ${content} ${when}`)
      } else counted.counts = true
      this.shutOutByFirstClaim.delete(id)
      if (!this.view.isWhole(manifest)) throw new Violation(`checkpoint ${id} stands without its state ${when}`)
      if (this.#removed.has(id)) throw new Violation(`checkpoint ${id} was removed, and is back ${when}`)
      const claim = this.view.shutOutBy(manifest)
      if (claim !== undefined)
        throw new Violation(`checkpoint ${id} counts, and claim ${claim} had shut it out, ${when}`)
      if (this.#refused.has(content)) {
        throw new Violation(`the save of ${id} with content ${content} was refused for certain, and counts ${when}`)
      }
      if (id > latest) latest = id
    }
    return latest
  }

  #lookForAcknowledged(one: Acknowledged, when: string): void {
    const manifest = this.view.manifests.get(one.id)
    if (manifest !== undefined && this.view.counts(manifest)) {
      this.#compare(one, manifest, when)
      return
    }
    const pin = [...this.pins].find(([, id]) => id === one.id)
    if (pin !== undefined) throw new Violation(`checkpoint ${one.id} was pinned as ${pin[0]}, and is gone ${when}`)
    if (!this.#removing.some((operation) => mayRemove(operation, one, this.#facts()))) {
      throw new Violation(
        `checkpoint ${one.id} was acknowledged, nothing was to remove it, and it does not count ${when}`,
      )
    }
    one.pruned = true
  }

  #facts() {
    return { counted: this.counted, created: this.created, now: this.#storage.now, latest: this.#latest }
  }

  #compare(one: Acknowledged, manifest: SeenManifest, when: string): void {
    if (manifest.content !== one.content) {
      throw new Violation(
        `checkpoint ${one.id} was acknowledged with content ${one.content}, and has ${manifest.content} ${when}`,
      )
    }
    const lost = one.updates.find((update) => !manifest.updates.includes(update))
    if (lost !== undefined)
      throw new Violation(`update ${lost} of checkpoint ${one.id} was acknowledged, and is lost ${when}`)
  }
}
