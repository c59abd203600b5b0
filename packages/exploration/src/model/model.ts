import type { Request, Watcher } from "../network/request.js"
import type { Action } from "../scenario/action.js"
import { nameOf } from "../storage/keys.js"
import type { SimulatedStorage, StoredObject } from "../storage/storage.js"
import { Answers } from "./answers.js"
import { Checks } from "./checks.js"
import { assertMayDelete } from "./deletions.js"
import type { SeenHistory } from "./history.js"
import { Notes } from "./notes.js"
import type { Operation } from "./operation.js"
import { Readings } from "./readings.js"
import { Tampering } from "./tampering.js"

/** The actions that may remove checkpoints. A prune of the reference is damage. */
const removals: ReadonlySet<Action["do"]> = new Set(["prune", "remove", "collectOrphans"])

/**
 * The sequential model. After every single request it looks at the storage itself: each acknowledged checkpoint must be
 * there, until an operation removed it that was allowed to. And every answer that a process is given must agree.
 *
 * This class follows the requests. `Checks` looks at the storage, `Answers` and `Readings` judge what processes are told, and
 * `Tampering` notes what other programs do.
 */
export class Model implements Watcher {
  readonly answers: Answers
  readonly readings: Readings
  readonly tampering: Tampering
  readonly #notes: Notes
  readonly #checks: Checks
  /** Listings show no one moment. */
  readonly #mixes: boolean
  /** What the sender of the last request was doing. */
  #doing: readonly Operation[] = []
  #highestId = 0

  /**
   * @param lags see `Notes.lags`
   * @param mixes listings need not show what was written or removed since they began
   */
  constructor(
    storage: SimulatedStorage,
    acknowledged: readonly { id: number; content: number }[],
    lags: boolean,
    mixes: boolean,
  ) {
    this.#mixes = mixes
    const notes = new Notes(storage, lags)
    this.#notes = notes
    this.#checks = new Checks(notes)
    this.answers = new Answers(notes, this.#checks)
    this.readings = new Readings(notes)
    this.tampering = new Tampering(notes, this.#checks)
    for (const [key, object] of storage.objects) {
      notes.view.change(key, object, false)
      notes.created.set(key, object.meta.lastModified.getTime())
      this.#highestId = Math.max(this.#highestId, nameOf(key)?.id ?? 0)
    }
    for (const { id, content } of acknowledged) this.#checks.acknowledge(id, content, true)
    this.#checks.check("at the start")
    storage.onChange = (key, object) => this.#changed(key, object)
  }

  /** See `Checks.latest`. */
  get latest(): number {
    return this.#checks.latest
  }

  /** See `Notes.isDamaged`. */
  get isDamaged(): boolean {
    return this.#notes.isDamaged
  }

  /** The n-th latest id that ever had an object, from 0. */
  nth(which: number): number {
    return Math.max(1, this.#highestId - which)
  }

  /** Whether the manifest of this content is there. */
  isWritten(id: number, content: number): boolean {
    return this.#notes.view.manifests.get(id)?.content === content
  }

  begin(action: Action, process: string, epoch: number): Operation {
    const { view, damaged, acknowledgements, pins } = this.#notes
    const start = this.#notes.nextTick()
    const operation: Operation = {
      action,
      process,
      epoch,
      start,
      acknowledged: acknowledgements.expected,
      named: damaged.byReference ? 0 : view.pointer.checkpointId,
      highestId: this.#highestId,
      mustTell: damaged.mustTell,
      pinned: pins.now(),
      lastListing: start,
    }
    if (removals.has(action.do)) this.#checks.removalBegins(operation)
    if (action.do === "unpin") pins.unpinBegins(action.name)
    return operation
  }

  beforeApply(request: Request, late: boolean): void {
    const doing = request.doing as readonly Operation[]
    this.#doing = doing
    if (request.firstPage && !this.#mixes) for (const one of doing) one.lastListing = this.#notes.nextTick()
    if (request.kind === "put" && doing[0]?.action.do === "reference update")
      for (const key of request.keys) this.tampering.overwriteManifest(nameOf(key)?.id ?? 0)
    if (request.kind !== "delete") return
    const { storage } = this.#notes
    if (doing[0]?.action.do === "reference prune") {
      for (const key of request.keys)
        if (storage.objects.has(key)) this.tampering.damageCheckpoint(nameOf(key)?.id ?? 0, () => {})
    } else this.#assertMayDelete(request.keys, doing, late)
  }

  #assertMayDelete(keys: readonly string[], doing: readonly Operation[], late: boolean): void {
    const { storage, doubts, damaged, view, counted } = this.#notes
    assertMayDelete(keys, storage, {
      doing,
      late,
      latest: damaged.latestKnownTo(doing, this.#checks.latest),
      isDead: (id) => doubts.allowDead(id, doing),
      stands: (id, since) => view.manifests.has(id) && (counted.createdAt(id) ?? 0) < since,
      lost: doubts.now?.isTold === true ? doubts.now.tick : undefined,
    })
  }

  #changed(key: string, object: StoredObject | undefined): void {
    const { view, created, damaged, storage, isDamaging } = this.#notes
    this.#notes.nextTick()
    const had = view.manifests.has(nameOf(key)?.id ?? 0)
    const before = view.history
    const name = view.change(key, object, isDamaging)
    if (name === undefined) return
    const { kind, id } = name
    const when = `after ${object === undefined ? "removing" : "writing"} ${key}`
    if (kind === "manifest" && object !== undefined && !isDamaging) this.#manifestWritten(id, had, when)
    if (object !== undefined && !created.has(key)) created.set(key, storage.now)
    if (id > this.#highestId) this.#highestId = id
    if (kind === "history" && !isDamaging && object !== undefined) {
      this.#historyWritten(before, view.history, when)
    } else if (object === undefined || kind !== "state") {
      if (damaged.has(id)) this.#checks.forgetLatest()
      this.#checks.check(when)
    }
  }

  #manifestWritten(id: number, had: boolean, when: string): void {
    const { view, doubts, counted, updates, claims } = this.#notes
    const manifest = view.manifests.get(id)
    if (manifest === undefined) return
    if (doubts.beginAgainWith(manifest)) this.tampering.doubtHistory("roll back", view.history)
    if (!had) counted.created(id, this.#notes.tick)
    else {
      updates.written(manifest, when)
      claims.manifestChanged(id, manifest.updates.keys(), this.#notes.tick)
    }
  }

  /** A store has written the history. Where that gives a claim, whatever counts then is kept. */
  #historyWritten(before: SeenHistory, now: SeenHistory, when: string): void {
    const { view, doubts, acknowledgements, claims, counted, damaged, tick } = this.#notes
    const doubt = doubts.now
    if (now.claimant !== undefined) {
      claims.announced(now.claimant, tick)
      acknowledgements.claimBegins()
    }
    const isClaim = now.epoch > before.epoch
    const isAnew = now.lineage !== before.lineage
    if (isAnew) doubt?.assertMayMakeAnew(this.#doing)
    if (isClaim) {
      counted.epochBegins(now.epoch, tick)
      claims.began(now.epoch, tick)
    }
    if (isClaim && doubt === undefined) damaged.assertKept(before, now)
    // Below a claim that a manifest tells of, it is lost once more to those who read that manifest.
    const isOver = doubt !== undefined && (isClaim || isAnew) && view.carried <= now.epoch
    if (isOver) doubts.end(tick)
    if (isClaim) {
      const begun = doubt?.revives(before, now) === true ? claims.announcedAt(now.writer as string) : undefined
      acknowledgements.claimed(tick, begun)
    }
    this.#checks.check(when, isClaim || isOver)
    if (!isClaim) return
    for (const one of view.manifests.values())
      if (view.counts(one) && damaged.isWhole(one)) this.#checks.acknowledge(one.id, one.content, false)
  }
}
