import type { Emit } from "../events.js"
import { ascending, latestFirst } from "../format/ids.js"
import type { Pin, Pointer } from "../format/pointer.js"
import type { FoundManifest } from "../verify/read-manifest.js"
import type { Listing } from "./listing.js"
import { counts, countsAs, isOfHistory } from "./rule.js"

type Found = Pick<FoundManifest, "manifest" | "meta">

/** Whether a manifest was written after the listing that showed its id. A damaged manifest is told as damaged, whenever it came. */
function cameSince(listing: Listing, id: number, { manifest, meta }: Found): boolean {
  return manifest !== undefined && meta?.version !== listing.manifests.get(id)?.version
}

/** A listing, and the pointer that was read after it: together they say which checkpoints count. */
export class View {
  readonly listing: Listing
  readonly pointer: Pointer
  readonly #readPointer: (signal: AbortSignal | undefined) => Promise<Pointer>

  /** @param readPointer reads the pointer as it is now */
  constructor(listing: Listing, pointer: Pointer, readPointer: (signal: AbortSignal | undefined) => Promise<Pointer>) {
    this.listing = listing
    this.pointer = pointer
    this.#readPointer = readPointer
  }

  /** The listed ids that may count, as far as ids alone tell; latest first. */
  latestFirst(): number[] {
    return latestFirst(this.listing.manifests.keys()).filter((id) => this.mayCount(id))
  }

  /** The rule as far as the id alone tells: the floor and the end of the history. */
  mayCount(id: number): boolean {
    return counts(id, this.pointer)
  }

  /** The rest of the rule, for which the manifest must be known: who wrote it. */
  isOfHistory(id: number, writerEpoch: number | undefined): boolean {
    return isOfHistory(id, writerEpoch, this.pointer)
  }

  /** The whole rule. `writerEpoch`: of the manifest's writer, if the manifest names one. */
  counts(id: number, writerEpoch: number | undefined): boolean {
    return countsAs(id, writerEpoch, this.pointer)
  }

  /**
   * Whether a checkpoint still counts that counts by this view. The view's pointer was read after the listing, so it may judge
   * what was listed. A manifest whose version is another was written later, perhaps by a writer that does not know that
   * retention removed the id; its save is refused. The pointer as it is now judges it.
   */
  async stillCounts(id: number, found: Found, signal: AbortSignal | undefined): Promise<boolean> {
    if (!cameSince(this.listing, id, found)) return true
    return countsAs(id, found.manifest?.writer?.epoch, await this.#readPointer(signal))
  }

  /** A view of the same listing by the pointer as it is now. */
  async now(signal: AbortSignal | undefined): Promise<View> {
    return new View(this.listing, await this.#readPointer(signal), this.#readPointer)
  }

  /** Ascending by id, then by name. */
  get pins(): Pin[] {
    return pinsOf(this.listing, this.pointer)
  }

  /**
   * True if the listing cannot be the whole truth: the pointer, read after it, names a checkpoint that the listing does not
   * show. The pages of the listing may have been read while others saved.
   */
  get isBehind(): boolean {
    const { manifests } = this.listing
    const { claims, checkpointId } = this.pointer
    if (highestOf(manifests.keys()) < checkpointId) return true
    // Higher ids may be of writers that were superseded: where claims tell the history, its end itself must be there.
    return claims.length > 0 && checkpointId > 0 && !manifests.has(checkpointId)
  }

  /** The lowest id above everything seen here. */
  nextId(emit: Emit, recovered = 0): number {
    const { manifests, states, taken } = this.listing
    const { checkpointId, floor } = this.pointer
    // Without a pointer, the manifests are all there is to go by.
    const base = checkpointId > 0 ? checkpointId : highestOf(manifests.keys())
    let highest = Math.max(checkpointId, floor, recovered)
    for (const id of [...manifests.keys(), ...states.keys(), ...taken.keys()]) {
      if (id - base > believableGap) emit({ type: "id-ignored", id, pointer: checkpointId })
      else if (id > highest) highest = id
    }
    return highest + 1
  }
}

/** A stray file with a huge id must not use up the ids, so only ids up to this far above the pointer are believed. */
const believableGap = 2 ** 32

/** Ascending by id, then by name: the entries of the pointer and the pins' own objects. */
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
