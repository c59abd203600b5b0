/**
 * Which checkpoints count. A listing shows the manifests that are there; the pointer says which of them not to believe.
 * The pointer is read after the listing, so it may judge everything that the listing shows. Invariant: a reader never
 * judges a manifest by a pointer that is older than the manifest.
 */

import { BackendError, CheckpointError } from "../errors.js"
import type { Emit } from "../events.js"
import type { Layout } from "../format/layout.js"
import type { Pointer } from "../format/pointer.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { Place } from "../storage/place.js"
import { type Removals, removalsOf } from "../storage/removals.js"
import type { Verifier } from "../verify/verifier.js"
import type { Leader } from "./leader.js"
import { Lister, type Listing, withManifest } from "./listing.js"
import { PointerFile } from "./pointer-file.js"
import { counts } from "./rule.js"
import { View } from "./view.js"

/**
 * Rounds of listing, or of walking, before an operation gives up: others remove checkpoints faster than it reads them.
 * On a busy machine a tight writer wins one round in four, so eight lost rounds in a row happen. A round of listing after
 * which the pointer names a higher id is not counted: another writer got something done.
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

  /** What orders pins and removals where the pointer has no room to. */
  removals(signal: AbortSignal | undefined): Promise<Removals> {
    return removalsOf(this.place.storage, signal)
  }

  /** True if claims live in the pointer. If not, the backend itself must know claims. */
  get hasClaims(): boolean {
    return this.pointerHasRoom && this.place.storage.backend.capabilities.compareAndSwap === "storage"
  }

  /** One listing, and the pointer after it. The listing may be older than the pointer: see {@link view}. */
  async look(signal: AbortSignal | undefined, options: LookOptions = {}): Promise<View> {
    return this.#judged(await this.lister[options.of ?? "everything"](signal), signal, options)
  }

  async #judged(listing: Listing, signal: AbortSignal | undefined, { onListed }: LookOptions): Promise<View> {
    onListed?.(listing)
    const read = (s: AbortSignal | undefined): Promise<Pointer> => this.pointer.read(s, listing.claims)
    return new View(listing, await read(signal), read)
  }

  /**
   * A view that shows the checkpoint that the pointer names. If the listing lacks that checkpoint, its manifest is
   * looked at by itself, and the pointer is read again behind it: the listing may be older than the pointer, or may lag.
   * If the manifest is not there either, the storage is listed again, as long as the pointer moves: retention may have
   * removed the checkpoint since. A pointer that stands still names a checkpoint that is lost; then the view
   * {@link View.lacksNamed}.
   *
   * A writer who saves without a pause names another checkpoint each time. So a view is also new enough if it covers
   * everything that the view of the round before named or listed. That view was made after this call began, so whatever
   * was acknowledged before the call is listed there, or was removed, and then the pointer names a higher id.
   */
  async view(signal: AbortSignal | undefined, options: LookOptions = {}): Promise<View> {
    let view = await this.look(signal, options)
    for (let idle = 1; idle < maxRounds; idle++) {
      if (!view.lacksNamed) return view
      const { checkpointId, version } = view.pointer
      const { highest } = view
      const named = await this.#manifestMeta(checkpointId, signal)
      view =
        named === undefined
          ? await this.look(signal, options)
          : await this.#judged(withManifest(view.listing, checkpointId, named), signal, options)
      if (named === undefined && view.pointer.version === version) return view
      if (view.pointer.checkpointId <= checkpointId) continue
      if (view.covers(Math.max(checkpointId, highest))) return view.overtaken()
      idle = 0
    }
    throw restless(this.place)
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
