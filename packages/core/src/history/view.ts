import type { Emit } from "../events.js"
import { ascending, latestFirst } from "../format/ids.js"
import type { Pin, Pointer } from "../format/pointer.js"
import { type FoundManifest, writerEpochOf } from "../verify/read-manifest.js"
import type { Listing } from "./listing.js"
import { counts, isOfHistory, mayCount } from "./rule.js"

type Found = Pick<FoundManifest, "manifest" | "meta">

/**
 * True if a manifest was written after the listing that showed its id. Never true for a damaged manifest, which is
 * reported as damaged whenever it was written.
 */
function cameSince(listing: Listing, id: number, { manifest, meta }: Found): boolean {
  return manifest !== undefined && meta?.version !== listing.manifests.get(id)?.version
}

/** A listing, and the pointer that was read after it: together they say which checkpoints count. */
export class View {
  readonly listing: Listing
  readonly pointer: Pointer
  readonly #readPointer: (signal: AbortSignal | undefined) => Promise<Pointer>
  readonly #isOvertaken: boolean

  /**
   * @param readPointer reads the pointer from the storage, as it is now
   * @param isOvertaken the checkpoint that the pointer names was saved after the call began, and is not missed
   */
  constructor(
    listing: Listing,
    pointer: Pointer,
    readPointer: (signal: AbortSignal | undefined) => Promise<Pointer>,
    isOvertaken = false,
  ) {
    this.listing = listing
    this.pointer = pointer
    this.#readPointer = readPointer
    this.#isOvertaken = isOvertaken
  }

  /** The listed ids that {@link mayCount}, latest first. */
  latestFirst(): number[] {
    return latestFirst(this.listing.manifests.keys()).filter((id) => this.mayCount(id))
  }

  /** The part of the rule that needs the id alone: the floor and the end of the history. */
  mayCount(id: number): boolean {
    return mayCount(id, this.pointer)
  }

  /** The part of the rule that needs the manifest: which writer wrote it. */
  isOfHistory(id: number, writerEpoch: number | undefined): boolean {
    return isOfHistory(id, writerEpoch, this.pointer)
  }

  /** The whole rule. `writerEpoch`: see `isOfHistory`. */
  counts(id: number, writerEpoch: number | undefined): boolean {
    return counts(id, writerEpoch, this.pointer)
  }

  /**
   * Asks once more about a checkpoint that counts by this view, after its manifest was read. The view's pointer was
   * read after the listing, so it may judge a manifest that was listed. A manifest whose version differs from the
   * listed version was written later; a pointer that is read now judges it.
   *
   * Example: 3 is listed, and the pointer is read. Retention raises the floor and removes 3; a slow writer creates 3
   * again, and its save is refused. By the view's pointer the new manifest 3 counts; by the pointer as it is now it
   * does not.
   */
  async stillCounts(id: number, found: Found, signal: AbortSignal | undefined): Promise<boolean> {
    if (!cameSince(this.listing, id, found)) return true
    return counts(id, writerEpochOf(found.manifest), await this.#readPointer(signal))
  }

  /** The same listing, with the pointer as it is now. */
  async now(signal: AbortSignal | undefined): Promise<View> {
    return new View(this.listing, await this.#readPointer(signal), this.#readPointer)
  }

  /** Pins, ascending by id, then by name. */
  get pins(): Pin[] {
    return pinsOf(this.listing, this.pointer)
  }

  /**
   * True if the pointer names a checkpoint that the listing lacks. The listing may be older than the pointer, may lag, or
   * the checkpoint may be lost; see `History.view`.
   */
  get lacksNamed(): boolean {
    const { checkpointId } = this.pointer
    return !this.#isOvertaken && checkpointId > 0 && !this.listing.manifests.has(checkpointId)
  }

  /** The highest listed id on a store without claims, where every id above the floor counts; 0 on a claimed store. */
  get highest(): number {
    return this.pointer.claims.length > 0 ? 0 : highestOf(this.listing.manifests.keys())
  }

  /**
   * True if an id at or above `id` is listed and may count. `id`: of an earlier view. If not, retention has removed
   * everything that was listed.
   */
  covers(id: number): boolean {
    const { manifests } = this.listing
    // On a claimed store a higher id may belong to a superseded writer, so the id itself must be listed.
    if (this.pointer.claims.length > 0) return manifests.has(id) && this.mayCount(id)
    return [...manifests.keys()].some((listed) => listed >= id && this.mayCount(listed))
  }

  /** The same view, of which nobody misses the checkpoint that the pointer names. */
  overtaken(): View {
    return new View(this.listing, this.pointer, this.#readPointer, true)
  }

  /**
   * The lowest id above every id seen here: of manifests, states, taken names, the pointer and its floor.
   *
   * @param recovered the id of the checkpoint that was recovered, if any
   */
  nextId(emit: Emit, recovered = 0): number {
    const { manifests, states, taken } = this.listing
    const { checkpointId, floor } = this.pointer
    // Without a pointer, the highest manifest is the measure.
    const base = checkpointId > 0 ? checkpointId : highestOf(manifests.keys())
    let highest = Math.max(checkpointId, floor, recovered)
    for (const id of [...manifests.keys(), ...states.keys(), ...taken.keys()]) {
      if (id - base > believableGap) emit({ type: "id-ignored", id, pointer: checkpointId })
      else if (id > highest) highest = id
    }
    return highest + 1
  }
}

/**
 * `nextId` ignores an id that is further than this above the pointer: a stray file with a huge id must not use up the
 * ids.
 */
const believableGap = 2 ** 32

/** The pins of the pointer's entries and of the pins' own objects, each once. Ascending by id, then by name. */
export function pinsOf(listing: Pick<Listing, "pins">, pointer: Pick<Pointer, "pins">): Pin[] {
  const all = new Map<string, Pin>()
  for (const pin of listing.pins) all.set(`${pin.id} ${pin.name}`, pin)
  for (const [name, id] of pointer.pins) all.set(`${id} ${name}`, { name, id })
  return [...all.values()].sort((a, b) => ascending(a.id, b.id) || (a.name < b.name ? -1 : 1))
}

function highestOf(ids: Iterable<number>): number {
  let highest = 0
  for (const id of ids) if (id > highest) highest = id
  return highest
}
