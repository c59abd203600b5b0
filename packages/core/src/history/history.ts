/**
 * Which checkpoints count. A listing shows the manifests that are there; the history says which of them count. The history
 * is read after the listing, so it may judge everything that the listing shows. Invariant: a reader never judges a manifest
 * by a history that is older than the manifest.
 */

import { together } from "../async/concurrency.js"
import { BackendError, CheckpointError } from "../errors.js"
import type { Emit } from "../events.js"
import type { Claim, HistoryRecord } from "../format/history-record.js"
import type { Layout } from "../format/layout.js"
import { noPointer } from "../format/pointer.js"
import type { ObjectMeta } from "../storage/backend.js"
import { OtherWriters } from "../storage/other-writers.js"
import type { Place } from "../storage/place.js"
import { Probe } from "../storage/probe.js"
import { type FoundManifest, writerEpochOf } from "../verify/read-manifest.js"
import type { Verifier } from "../verify/verifier.js"
import type { Current, Given } from "./current.js"
import { HistoryFile, type StoredHistory } from "./history-file.js"
import { byHistory, byManifests } from "./judge.js"
import { Lister, type Listing, withManifest } from "./listing.js"
import { PointerFile } from "./pointer-file.js"
import { type Judged, View } from "./view.js"

/**
 * Rounds of listing, or of walking, before an operation gives up: others remove checkpoints faster than it reads them.
 * On a busy machine a tight writer wins one round in four, so eight lost rounds in a row happen. A round of listing after
 * which the pointer names a higher id is not counted: another writer got something done. It is counted if it shows what the round before
 * missed, and that does not count: a superseded writer got nothing done.
 */
export const maxRounds = 32

export interface LookOptions {
  /** `"manifests"` leaves the states out, if the layout lists them apart. Default: everything. */
  readonly of?: "manifests" | "everything"
  /**
   * Called with each listing before the history is read. A request that begins here runs at the same time as that read.
   */
  readonly onListed?: (listing: Listing) => void
  /**
   * The history that is remembered will do, for a caller who replaces that very version: it was still the history of now
   * if that succeeds. The pointer is then left out.
   */
  readonly remembered?: boolean
}

/** The history of one store: its listings, its history object, its pointer, and who writes. */
export class History {
  readonly place: Place
  readonly verifier: Verifier
  readonly emit: Emit
  readonly lister: Lister
  readonly file: HistoryFile
  readonly pointer: PointerFile
  /** Asked before the first write that rests on conditions. */
  readonly probe: Probe
  /** Asked before the first change. */
  readonly others: OtherWriters
  /** The claim of a store that `claim()` gave; a plain store has none. */
  readonly lead: Claim | undefined
  /** Of the history that this store has worked with. */
  #lineage: string | undefined
  readonly #lossesTold = new Set<string>()
  readonly #underWay = new Map<number, number>()

  /**
   * @param other the layout that this store does not use, to notice checkpoints that were saved in it
   * @param given for a leader: its claim, and the history that the claim made
   */
  constructor(verifier: Verifier, other: Layout, emit: Emit, given: Given | undefined) {
    this.place = verifier.place
    this.verifier = verifier
    this.emit = emit
    this.lead = given?.lead
    this.lister = new Lister(this.place, other, emit)
    this.file = new HistoryFile(this.place)
    this.pointer = new PointerFile(this.place, emit)
    this.others = new OtherWriters(this.place, emit)
    this.probe = new Probe(this.place, this.others)
    if (given === undefined) return
    this.file.remember(given.stored)
    this.adopt(given.stored.record)
  }

  /** True if the storage compares and swaps for all processes. If not, only the backend can say who writes. */
  get sharesStorage(): boolean {
    return this.place.storage.backend.capabilities.compareAndSwap === "storage"
  }

  /** The epoch of this store's writer: 0 for a plain store. */
  get epoch(): number {
    return this.lead?.epoch ?? 0
  }

  /** The lineage of the first history that this store has seen; `undefined`: it has seen none. */
  get lineage(): string | undefined {
    return this.#lineage
  }

  /** The history as it is now, from the storage. */
  async current(signal: AbortSignal | undefined): Promise<Current> {
    // Whatever manifest was read before this, its epoch was in the history before.
    const { epochSeen } = this.verifier
    // Another call may see the first history while this read is under way.
    const wasThere = this.#lineage !== undefined
    let stored = await this.file.read(signal)
    // The pointer says so after the history was created, so a history that was created meanwhile is there by now. Asked once: by a
    // second time it may have been created.
    const isSaid = stored.version === undefined && stored.problem === undefined && (await this.#isSaid(signal))
    if (isSaid) stored = await this.file.read(signal)
    const reason = stored.problem ?? this.#lossOf(stored, epochSeen, wasThere, isSaid)
    // Whoever changed a lost history by what is remembered would make a new one, without the floor and the pins.
    this.file.remember(reason === undefined ? stored : undefined)
    if (reason === undefined) {
      if (stored.version !== undefined) this.adopt(stored.record)
      return stored
    }
    if (!this.#lossesTold.has(reason)) {
      this.#lossesTold.add(reason)
      this.emit({ type: "history-lost", key: this.file.key, reason })
    }
    return { ...stored, lost: reason }
  }

  /** True if the history that was read is durable. Whoever relies on what another call wrote asks first. */
  async isDurable({ version }: StoredHistory, signal: AbortSignal | undefined): Promise<boolean> {
    return version === undefined || this.place.storage.isDurable([{ key: this.file.key, version }], signal)
  }

  /**
   * The history, for a writer whose objects are there already. Where a claim of the backend's own holds all others off, only this
   * store changes the history: what it knows is the history of now. Whoever claims next finds the objects, since they are there.
   */
  async afterWriting(): Promise<Current> {
    const { last } = this.file
    return this.lead !== undefined && !this.sharesStorage && last !== undefined ? last : this.current(undefined)
  }

  /**
   * True if the pointer says that there is a history: as this store last saw it or, if `anew`, as it is on the storage. The pointer of the
   * directory layout has no room to say so.
   */
  async #isSaid(signal: AbortSignal | undefined, anew = false): Promise<boolean> {
    if (this.place.layout.pointerFormat !== "json") return false
    return (await (anew ? this.pointer.read(signal) : this.pointer.lastSeen(signal))).saysHistory
  }

  #lossOf(
    { record: { epoch }, version }: StoredHistory,
    epochSeen: number,
    wasThere: boolean,
    isSaid: boolean,
  ): string | undefined {
    if (epoch < epochSeen) return `a manifest carries epoch ${epochSeen}, and the history is at epoch ${epoch}`
    if (version !== undefined) return undefined
    if (wasThere) return "it was there, and is gone"
    return isSaid ? `${this.pointer.key} says that there is one, and it is gone` : undefined
  }

  /** Remembers the lineage of the history that this store works with, if it knows none yet. */
  adopt({ lineage }: HistoryRecord): void {
    this.#lineage ??= lineage
  }

  /**
   * Replaces the history that was read by another. `undefined`: nothing was done, and the history is to be read again: it has changed
   * since, or the pointer says by now that there is one. See {@link HistoryFile.replace}.
   * Where this creates the history, the pointer says so from now on. A storage that does not do what this rests on is refused.
   *
   * @param signal ends the check of the storage and the read of the pointer. A change that has begun is not left half way: nobody would
   *   know whether it stands
   */
  async change(
    current: Current,
    next: HistoryRecord,
    signal: AbortSignal | undefined,
  ): Promise<StoredHistory | undefined> {
    // Elsewhere the history is ordered by a lock, and room may be made by it where there is none for a check.
    if (this.sharesStorage) await this.probe.once(signal)
    // Another store may have made a history since, and it may be lost already: a first one in its place would forget floor and pins.
    if (current.version === undefined && current.lost === undefined && (await this.#isSaid(signal, true)))
      return undefined
    const stored = await this.file.replace(current, next)
    if (stored === undefined) return undefined
    this.#lineage = stored.record.lineage
    if (current.version === undefined) await this.pointer.sayHistory()
    return stored
  }

  /** Notes that a save of this id is under way. Gives the function to be called when it has ended. */
  saving(id: number): () => void {
    this.#underWay.set(id, (this.#underWay.get(id) ?? 0) + 1)
    return () => {
      const left = (this.#underWay.get(id) ?? 1) - 1
      if (left > 0) this.#underWay.set(id, left)
      else this.#underWay.delete(id)
    }
  }

  /** The lowest id that this store is saving now; `Infinity` if it saves none. */
  get lowestUnderWay(): number {
    return [...this.#underWay.keys()].reduce((lowest, id) => Math.min(lowest, id), Number.POSITIVE_INFINITY)
  }

  /**
   * Who judges by this history. If it is lost, and built anew while the manifests are read, the new history judges.
   *
   * @param listing of the manifests, if the caller has one
   */
  async judged(current: Current, signal: AbortSignal | undefined, listing?: Listing): Promise<Judged> {
    if (current.lost === undefined) return { current, judge: byHistory(current.record) }
    const judge = await byManifests(this.verifier, listing ?? (await this.lister.manifests(signal)), signal)
    // A leader of the new history may have marked a manifest before it was read here. By the mark, what its claim has kept would be ruled out.
    const now = await this.current(signal)
    return now.lost === undefined ? { current: now, judge: byHistory(now.record) } : { current, judge }
  }

  /** One listing, and the history after it. The listing may be older than what it must show: see {@link view}. */
  async look(signal: AbortSignal | undefined, options: LookOptions = {}): Promise<View> {
    return this.#viewOf(await this.lister[options.of ?? "everything"](signal), signal, options)
  }

  async #viewOf(
    listing: Listing,
    signal: AbortSignal | undefined,
    { onListed, remembered = false }: LookOptions,
  ): Promise<View> {
    onListed?.(listing)
    const readAgain = async (s: AbortSignal | undefined) => this.judged(await this.current(s), s, listing)
    const { last } = this.file
    if (remembered && last !== undefined && last.record.epoch >= this.verifier.epochSeen)
      return new View(listing, { current: last, judge: byHistory(last.record) }, noPointer, readAgain)
    const [pointer, current] = await together([this.pointer.readHint(signal), this.current(signal)])
    return new View(listing, await this.judged(current, signal, listing), pointer, readAgain)
  }

  /**
   * A view that shows what must be there (see {@link View.lacks}). If the listing lacks such a checkpoint, its manifest is
   * looked at by itself, and the history is read again behind it: the listing may be older than the pointer, or may lag.
   * If the manifest is not there either, the storage is listed again, as long as pointer or history move: retention may
   * have removed the checkpoint since. If both stand still, the checkpoint is lost; then the view still lacks it. Each
   * that it lacks is looked at: of two, one may be lost, and the other only missing from a listing that lags.
   *
   * A writer who saves without a pause names another checkpoint each time. So a view is also new enough if it covers
   * everything that the view of the round before named or listed, and, on a claimed store, if the checkpoint that was missed counts. That
   * view was made after this call began, so whatever was acknowledged before the call is listed there, or was removed, and then the pointer
   * names a higher id.
   */
  async view(signal: AbortSignal | undefined, options: LookOptions = {}): Promise<View> {
    let view = await this.look(signal, options)
    // Not there, as pointer and history stand now.
    const lost = new Set<number>()
    for (let idle = 1; idle < maxRounds; idle++) {
      const lacks = view.lacking.find((id) => !lost.has(id))
      if (lacks === undefined) return view
      const before = view
      const meta = await this.#manifestMeta(lacks, signal)
      view =
        meta === undefined
          ? await this.look(signal, { ...options, remembered: false })
          : await this.#viewOf(withManifest(view.listing, lacks, meta), signal, { ...options, remembered: false })
      const stands = view.pointer.version === before.pointer.version && view.current.version === before.current.version
      if (!stands) lost.clear()
      else if (meta === undefined) lost.add(lacks)
      if (view.lacks === undefined || view.pointer.checkpointId <= before.pointer.checkpointId) continue
      // Of all that was named, the highest: the id that was looked at in this round may be a lower one.
      const highest = Math.max(before.lacks ?? lacks, before.highest)
      if (!view.covers(highest)) idle = 0
      else if (await this.#isCounting(view, highest, signal)) return view.overtaken()
    }
    throw restless(this.place)
  }

  /** Whether a checkpoint that was named or listed counts. A superseded writer moves the pointer, too, so on a claimed store the id does not tell. */
  async #isCounting(view: View, id: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (view.record.epoch === 0) return true
    const found = await this.verifier.manifest(id, signal)
    return found !== undefined && (await view.verdict(id, found, signal)) === "counts"
  }

  /**
   * The listing of manifests. It may lag: the checkpoint that the pointer names is looked at by itself if it is not listed. A pointer
   * that the storage fails to give is a failure here: whoever lists in order to decide must not miss what it names.
   */
  async listedWithPointer(signal: AbortSignal | undefined): Promise<Listing> {
    const [listing, { checkpointId: named }] = await together([
      this.lister.manifests(signal),
      this.pointer.read(signal),
    ])
    if (named === 0 || listing.manifests.has(named)) return listing
    const meta = await this.#manifestMeta(named, signal)
    return meta === undefined ? listing : withManifest(listing, named, meta)
  }

  /** A manifest's key, version and time; made up for something that is at the key and is no manifest. */
  async #manifestMeta(id: number, signal: AbortSignal | undefined): Promise<ObjectMeta | undefined> {
    const key = this.place.layout.manifestKey(id)
    try {
      return await this.place.storage.head(key, signal)
    } catch (error) {
      if (!(error instanceof BackendError) || error.kind !== "damaged") throw error
      return { key, size: 0, version: "", lastModified: new Date(0) }
    }
  }

  /**
   * True if a manifest that was just read counts. The history is read after the manifest, never at the same time.
   * Example: retention removes 3 and raises the floor; a slow writer creates 3 again, and its save is refused. By a
   * history from before the floor, that manifest would count.
   */
  async counts(id: number, manifest: FoundManifest["manifest"], signal: AbortSignal | undefined): Promise<boolean> {
    const { judge } = await this.judged(await this.current(signal), signal)
    return judge.counts(id, writerEpochOf(manifest))
  }
}

export function restless({ backend }: Place): CheckpointError {
  const message = `checkpoints on ${backend} were saved or removed faster than they could be read, in ${maxRounds} rounds. Try again.`
  return new CheckpointError("CKPT_IO", message, { backend, retryable: true })
}
