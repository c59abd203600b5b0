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
import { countsAs } from "./rule.js"
import { View } from "./view.js"

/** So often a listing is made again, or a walk begun again, before the storage is called restless. */
export const maxRounds = 8

export interface LookOptions {
  /** `"manifests"` leaves the states out, where the layout lists them apart. */
  readonly of?: "manifests" | "everything"
  /** Called with each listing before the pointer is read: what the caller begins here runs beside that read. */
  readonly onListed?: (listing: Listing) => void
}

/** Which checkpoints of a store count: what is listed, the pointer, and who leads. */
export class History {
  readonly place: Place
  readonly verifier: Verifier
  readonly emit: Emit
  readonly lister: Lister
  readonly pointer: PointerFile
  /** Set for the store that `claim()` gave. */
  readonly leader: Leader | undefined
  /** Pins and removals, one after the other, where the pointer cannot keep them apart. */
  readonly removals = new Mutex()

  /** @param other the layout that the place would have if it had not its own */
  constructor(verifier: Verifier, other: Layout, emit: Emit, leader: Leader | undefined) {
    this.place = verifier.place
    this.verifier = verifier
    this.emit = emit
    this.leader = leader
    this.lister = new Lister(this.place, other, emit)
    this.pointer = new PointerFile(this.place, emit, leader?.writer, (signal) => this.lister.claims(signal))
  }

  /** True where the pointer has room for floor, claims and pins. Elsewhere it is a bare name, and every manifest counts. */
  get isTold(): boolean {
    return this.place.layout.pointerFormat === "json"
  }

  /** True where claims live in the pointer; elsewhere the backend itself must know them. */
  get hasClaims(): boolean {
    return this.isTold && this.place.storage.backend.capabilities.compareAndSwap === "storage"
  }

  /** One listing, and the pointer after it. The listing may be older than the pointer: see {@link view}. */
  async look(signal: AbortSignal | undefined, { of = "everything", onListed }: LookOptions = {}): Promise<View> {
    const listing = await this.lister[of](signal)
    onListed?.(listing)
    const read = (s: AbortSignal | undefined): Promise<Pointer> => this.pointer.read(s, listing.claims)
    return new View(listing, await read(signal), read)
  }

  /**
   * Looks again while the listing is behind the pointer: once for certain, then as long as the pointer moves. A pointer that
   * stands still names a checkpoint that is lost, and listing again would not show it.
   */
  async view(signal: AbortSignal | undefined, options: LookOptions = {}): Promise<View> {
    let before: View | undefined
    for (let round = 1; round <= maxRounds; round++) {
      const view = await this.look(signal, options)
      const mayGain = before === undefined || view.pointer.version !== before.pointer.version
      if (!view.isBehind || !mayGain) return view
      before = view
    }
    throw restless(this.place)
  }

  /**
   * Whether a manifest counts that was read just now. The pointer is read after the manifest, never beside it: an older pointer
   * may count what came since and was refused.
   */
  async counts(id: number, writerEpoch: number | undefined, signal: AbortSignal | undefined): Promise<boolean> {
    if (!this.isTold) return true
    return countsAs(id, writerEpoch, await this.pointer.read(signal))
  }
}

export function restless({ backend }: Place): CheckpointError {
  const message = `checkpoints on ${backend} were removed faster than they could be read, ${maxRounds} times over. Try again.`
  return new CheckpointError("CKPT_IO", message, { backend, retryable: true })
}
