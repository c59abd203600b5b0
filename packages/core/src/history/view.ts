import type { Emit } from "../events.js"
import type { HistoryRecord } from "../format/history-record.js"
import { ascending, latestFirst } from "../format/ids.js"
import type { Pointer } from "../format/pointer.js"
import { epochsOf, type FoundManifest, writerEpochOf } from "../verify/read-manifest.js"
import type { Current } from "./current.js"
import type { Judge } from "./judge.js"
import type { Listing } from "./listing.js"

/** A savepoint: a checkpoint that retention leaves alone. */
export interface Pin {
  /** Up to 100 letters, digits, ".", "_" and "-"; the first is a letter or digit. */
  readonly name: string
  /** The checkpoint. */
  readonly id: number
}

/** What a reader relies on: the history that was read, and who judges by it. */
export interface Judged {
  readonly current: Current
  readonly judge: Judge
}

type Found = Pick<FoundManifest, "manifest" | "meta">

/** A listing, and the history that was read after it: together they say which checkpoints count. */
export class View {
  readonly listing: Listing
  readonly current: Current
  /** A hint: the checkpoint that it names should be listed. */
  readonly pointer: Pointer
  readonly #judge: Judge
  readonly #readAgain: (signal: AbortSignal | undefined) => Promise<Judged>
  readonly #isOvertaken: boolean
  #pinNames: Map<number, string[]> | undefined

  /**
   * @param readAgain reads the history from the storage, as it is now
   * @param isOvertaken what the listing lacks was saved after the call began, and is not missed
   */
  constructor(
    listing: Listing,
    { current, judge }: Judged,
    pointer: Pointer,
    readAgain: (signal: AbortSignal | undefined) => Promise<Judged>,
    isOvertaken = false,
  ) {
    this.listing = listing
    this.current = current
    this.pointer = pointer
    this.#judge = judge
    this.#readAgain = readAgain
    this.#isOvertaken = isOvertaken
  }

  get record(): HistoryRecord {
    return this.current.record
  }

  /** The listed ids that {@link mayCount}, latest first. */
  latestFirst(): number[] {
    return latestFirst(this.listing.manifests.keys()).filter((id) => this.mayCount(id))
  }

  /** The part of the rule that needs the id alone: the floor. */
  mayCount(id: number): boolean {
    return this.#judge.mayCount(id)
  }

  /** The rule. `writerEpoch`: 0 for a plain writer, `undefined` if the manifest cannot be read. */
  counts(id: number, writerEpoch: number | undefined): boolean {
    return this.#judge.counts(id, writerEpoch)
  }

  /**
   * Whether a listed checkpoint counts, now that its manifest was read. The view's history was read after the listing, so
   * it may judge the manifest that was listed. A manifest whose version differs from the listed version was written later;
   * a history that is read now judges it.
   *
   * Example: 3 is listed, and the history is read. Retention removes 3; a slow writer creates 3 again, and its save is
   * refused. By the view's history the new manifest 3 counts; by the history as it is now it does not.
   *
   * `"again"`: the view is too old, or the history is older than its manifests; a new view knows.
   */
  async verdict(id: number, found: Found, signal: AbortSignal | undefined): Promise<"counts" | "dead" | "again"> {
    const writerEpoch = writerEpochOf(found.manifest)
    if (!cameSince(this.listing, id, found)) {
      if (this.current.lost === undefined && (epochsOf(found.manifest)?.carries ?? 0) > this.record.epoch)
        return "again"
      return this.counts(id, writerEpoch) ? "counts" : "dead"
    }
    if (!this.counts(id, writerEpoch) && !this.mayCount(id)) return "dead"
    return (await this.#readAgain(signal)).judge.counts(id, writerEpoch) ? "counts" : "again"
  }

  /** The same listing, with the history as it is now. */
  async now(signal: AbortSignal | undefined): Promise<View> {
    return new View(this.listing, await this.#readAgain(signal), this.pointer, this.#readAgain)
  }

  /** Pins, ascending by id, then by name. */
  get pins(): Pin[] {
    return pinsOf(this.record)
  }

  /** The names of the pins of each pinned checkpoint, ascending. Made once: a long list asks for them with each batch. */
  get pinNames(): ReadonlyMap<number, readonly string[]> {
    if (this.#pinNames === undefined) {
      this.#pinNames = new Map()
      for (const { id, name } of this.pins) {
        const names = this.#pinNames.get(id)
        if (names === undefined) this.#pinNames.set(id, [name])
        else names.push(name)
      }
    }
    return this.#pinNames
  }

  /**
   * The highest id of a checkpoint that must be there and is not listed: the listing is old or lags, or the checkpoint is lost.
   * `undefined`: nothing is missed. See {@link lacking}.
   */
  get lacks(): number | undefined {
    return this.lacking[0]
  }

  /**
   * The ids that must be there and are not listed, latest first: see `History.view`. The pointer names the latest saved checkpoint.
   * `top` was valid when something was last deleted, and the highest kept id counted at the last claim or deletion.
   */
  get lacking(): readonly number[] {
    if (this.#isOvertaken) return []
    const { manifests } = this.listing
    const named = new Set([this.pointer.checkpointId, this.record.top, this.record.kept.highest])
    // The id itself: a higher listed id may be that of a superseded writer.
    return latestFirst(named).filter((id) => id > 0 && !manifests.has(id) && this.mayCount(id))
  }

  /** The highest listed id on a store without claims, where every id above the floor counts; 0 on a claimed store. */
  get highest(): number {
    return this.record.epoch > 0 ? 0 : highestOf(this.listing.manifests.keys())
  }

  /**
   * True if an id at or above `id` is listed and may count. `id`: of an earlier view. If not, retention has removed
   * everything that was listed.
   */
  covers(id: number): boolean {
    const { manifests } = this.listing
    // On a claimed store a higher id may belong to a superseded writer, so the id itself must be listed.
    if (this.record.epoch > 0) return manifests.has(id) && this.mayCount(id)
    return [...manifests.keys()].some((listed) => listed >= id && this.mayCount(listed))
  }

  /** The same view, of which nobody misses anything. */
  overtaken(): View {
    return new View(this.listing, { current: this.current, judge: this.#judge }, this.pointer, this.#readAgain, true)
  }

  /**
   * The lowest id above every id seen here: of manifests, states, taken names, the pointer and the history.
   *
   * @param recovered the id of the checkpoint that was recovered, if any
   */
  nextId(emit: Emit, recovered = 0): number {
    const { manifests, states, taken } = this.listing
    const known = Math.max(this.pointer.checkpointId, this.record.floor, this.record.top)
    // Without a pointer and a history, the highest manifest is the measure.
    const base = known > 0 ? known : highestOf(manifests.keys())
    let highest = Math.max(known, recovered)
    for (const id of [...manifests.keys(), ...states.keys(), ...taken.keys()]) {
      if (id - base > believableGap) emit({ type: "id-ignored", id, pointer: base })
      else if (id > highest) highest = id
    }
    return highest + 1
  }
}

/**
 * An id that is further than this above all others is not believed: a stray file with a huge id must not use up the ids.
 */
export const believableGap = 2 ** 32

/**
 * True if a manifest was written after the listing that showed its id. Never true for a damaged manifest, which is
 * reported as damaged whenever it was written.
 */
function cameSince(listing: Listing, id: number, { manifest, meta }: Found): boolean {
  return manifest !== undefined && meta?.version !== listing.manifests.get(id)?.version
}

/** The pins of a history. Ascending by id, then by name. */
export function pinsOf({ pins }: HistoryRecord): Pin[] {
  return [...pins]
    .map(([name, id]) => ({ name, id }))
    .sort((a, b) => ascending(a.id, b.id) || (a.name < b.name ? -1 : 1))
}

function highestOf(ids: Iterable<number>): number {
  let highest = 0
  for (const id of ids) if (id > highest) highest = id
  return highest
}
