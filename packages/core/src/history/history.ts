/**
 * Which checkpoints count. A listing shows the manifests that are there; the pointer says which of them not to believe.
 * The pointer is read after the listing, so it may judge everything that the listing shows. Invariant: a reader never
 * judges a manifest by a pointer that is older than the manifest.
 */

import { Mutex } from "../async/mutex.js"
import { CheckpointError } from "../errors.js"
import type { Emit } from "../events.js"
import type { Layout } from "../format/layout.js"
import type { Pointer } from "../format/pointer.js"
import type { Place } from "../storage/place.js"
import type { Verifier } from "../verify/verifier.js"
import type { Leader } from "./leader.js"
import { Lister, type Listing } from "./listing.js"
import { PointerFile } from "./pointer-file.js"
import { counts } from "./rule.js"
import { View } from "./view.js"

/**
 * Rounds of listing, or of walking, before an operation gives up: others remove checkpoints faster than it reads them.
 * Each lost round is a save or a removal that another one finished. On a busy machine a tight writer wins one round in
 * four, so eight in a row happen.
 */
export const maxRounds = 32

export interface LookOptions {
  /** `"manifests"` leaves the states out, if the layout lists them apart. Default: everything. */
  readonly of?: "manifests" | "everything"
  /**
   * Called with each listing before the pointer is read. A request that begins here runs at the same time as that read.
   */
  readonly onListed?: (listing: Listing) => void
}

/** The history of one store: its listings, its pointer, and its leader if it has one. */
export class History {
  readonly place: Place
  readonly verifier: Verifier
  readonly emit: Emit
  readonly lister: Lister
  readonly pointer: PointerFile
  /** Set for a store that `claim()` gave; a plain store has no leader. */
  readonly leader: Leader | undefined
  /** Orders pins and removals of this store, where the pointer has no room to order them. */
  readonly removals = new Mutex()

  /** @param other the layout that this store does not use, to notice checkpoints that were saved in it */
  constructor(verifier: Verifier, other: Layout, emit: Emit, leader: Leader | undefined) {
    this.place = verifier.place
    this.verifier = verifier
    this.emit = emit
    this.leader = leader
    this.lister = new Lister(this.place, other, emit)
    this.pointer = new PointerFile(this.place, emit, leader?.writer, (signal) => this.lister.claims(signal))
  }

  /**
   * True if the pointer has room for floor, claims and pins. If not, the pointer is a bare name, and every manifest
   * counts.
   */
  get pointerHasRoom(): boolean {
    return this.place.layout.pointerFormat === "json"
  }

  /** True if claims live in the pointer. If not, the backend itself must know claims. */
  get hasClaims(): boolean {
    return this.pointerHasRoom && this.place.storage.backend.capabilities.compareAndSwap === "storage"
  }

  /** One listing, and the pointer after it. The listing may be older than the pointer: see {@link view}. */
  async look(signal: AbortSignal | undefined, { of = "everything", onListed }: LookOptions = {}): Promise<View> {
    const listing = await this.lister[of](signal)
    onListed?.(listing)
    const read = (s: AbortSignal | undefined): Promise<Pointer> => this.pointer.read(s, listing.claims)
    return new View(listing, await read(signal), read)
  }

  /**
   * A view whose listing is not behind its pointer. Lists again after the first listing that is behind; after that, only
   * while the pointer keeps moving. A pointer that stands still names a checkpoint that is lost, and another listing would
   * not show that checkpoint.
   *
   * A later listing need not reach the pointer that was read after it: a writer who saves without a pause would move the
   * pointer each time. It began after the pointer of the round before was read, which had reached everything that was
   * acknowledged before this call. So it is new enough if it covers that pointer.
   */
  async view(signal: AbortSignal | undefined, options: LookOptions = {}): Promise<View> {
    let before: Pointer | undefined
    for (let round = 1; round <= maxRounds; round++) {
      const view = await this.look(signal, options)
      const { pointer } = view
      if (view.covers(pointer.checkpointId)) return view
      if (before !== undefined && (pointer.version === before.version || view.covers(before.checkpointId))) return view
      before = pointer
    }
    throw restless(this.place)
  }

  /**
   * True if a manifest that was just read counts. The pointer is read after the manifest, never at the same time.
   * Example: retention removes 3 and raises the floor; a slow writer creates 3 again, and its save is refused. By a
   * pointer from before the floor, that manifest would count.
   */
  async counts(id: number, writerEpoch: number | undefined, signal: AbortSignal | undefined): Promise<boolean> {
    if (!this.pointerHasRoom) return true
    return counts(id, writerEpoch, await this.pointer.read(signal))
  }
}

export function restless({ backend }: Place): CheckpointError {
  const message = `checkpoints on ${backend} were saved or removed faster than they could be read, in ${maxRounds} rounds. Try again.`
  return new CheckpointError("CKPT_IO", message, { backend, retryable: true })
}
