import { Mutex } from "../async/mutex.js"
import { BackendError, CheckpointError } from "../errors.js"
import type { Emit } from "../events.js"
import { newToken } from "../format/ids.js"
import type { JsonValue } from "../format/json.js"
import {
  type Claim,
  decodePointer,
  encodePointer,
  isLost,
  noPointer,
  type Pointer,
  type PointerChange,
  type Writer,
} from "../format/pointer.js"
import type { Place } from "../storage/place.js"
import type { Storage } from "../storage/storage.js"
import { maxSwaps, swap } from "../storage/swap.js"
import { type Advance, Advances } from "./advances.js"
import { mergeFloor } from "./floor.js"
import { countsAs } from "./rule.js"

// A pointer is some dozen bytes; one with a long `kept` list some hundred kilobytes.
const maxPointerBytes = 4 * 1024 * 1024

/**
 * The pointer of one store: read, moved forward, never back. Saves that are under way together share one swap.
 */
export class PointerFile {
  readonly #place: Place
  readonly #emit: Emit
  /** Set for the store that `claim()` gave: only while this writer leads may the pointer be moved. */
  readonly #writer: Writer | undefined
  readonly #claims: (signal?: AbortSignal) => Promise<readonly Claim[]>
  #cached: Pointer | undefined
  readonly #advances: Advances
  /** One change of the pointer at a time within this store: racing ourselves would only cost swaps. */
  readonly #changes = new Mutex()

  /** @param claims as their own objects tell them, for a pointer that was lost */
  constructor(
    place: Place,
    emit: Emit,
    writer: Writer | undefined,
    claims: (signal?: AbortSignal) => Promise<readonly Claim[]>,
  ) {
    this.#writer = writer
    this.#claims = claims
    this.#place = place
    this.#emit = emit
    const move = (id: number) => this.#changes.run(() => this.#moveTo(id))
    // Each swap of a writer that claimed commits one checkpoint, and is settled on its own.
    this.#advances = new Advances(move, writer === undefined ? "together" : "one by one")
  }

  get writer(): Writer | undefined {
    return this.#writer
  }

  /** @throws {CheckpointError} `CKPT_FENCED` unless `writer` (default: whoever this store writes as) leads */
  assertLeads(pointer: Pointer, writer = this.#writer): void {
    const leader = pointer.writer
    if (leader?.epoch === writer?.epoch && leader?.token === writer?.token) return
    throw fenced(this.#place.backend, writer, leader)
  }

  get key(): string {
    return this.#place.layout.pointerKey
  }

  /**
   * The pointer as it is now, from the storage.
   *
   * @param listed claims that a listing showed, so that none is made for a pointer that is not there
   */
  async read(signal?: AbortSignal, listed?: readonly Claim[]): Promise<Pointer> {
    const read = await this.#read(signal)
    const isJson = this.#place.layout.pointerFormat === "json"
    const pointer = isJson && isLost(read) ? withTold(read, listed ?? (await this.#claims(signal))) : read
    this.#cached = pointer
    return pointer
  }

  /** The pointer as last seen by this store; read if it never was. */
  async lastSeen(signal?: AbortSignal): Promise<Pointer> {
    return this.#cached ?? (await this.read(signal))
  }

  async #read(signal?: AbortSignal): Promise<Pointer> {
    const { key } = this
    let stored: Awaited<ReturnType<Storage["readBytes"]>>
    try {
      stored = await this.#place.storage.readBytes(key, maxPointerBytes, signal)
    } catch (error) {
      if (!(error instanceof BackendError) || error.kind !== "damaged") throw error
      this.#emit({ type: "pointer-unreadable", key, reason: error.message })
      return { ...noPointer, exists: true }
    }
    if (stored === undefined) return noPointer
    if (stored.bytes === undefined) {
      this.#emit({ type: "pointer-unreadable", key, reason: `it has ${stored.meta.size} bytes` })
      return { ...noPointer, exists: true, version: stored.meta.version }
    }
    return this.decode(stored.bytes, stored.meta.version)
  }

  decode(bytes: Uint8Array, version: string | undefined): Pointer {
    const { pointer, problem } = decodePointer(this.#place.layout, bytes, version)
    if (problem !== undefined) this.#emit({ type: "pointer-unreadable", key: this.key, reason: problem })
    return pointer
  }

  /** For a backend that moves the pointer inside its own commit. */
  encodeFor(current: Pointer, id: number): Uint8Array {
    return encodePointer(this.#place.layout, current, { checkpointId: id }, newToken())
  }

  /** What a backend's commit saw or made of the pointer is not known by version; the next swap reads it again. */
  forget(): void {
    this.#cached = undefined
  }

  /**
   * Moves the pointer to `id` unless it names a higher one, and says what it is then. What it returns was read or
   * swapped after this call began, so that a floor raised before is seen.
   *
   * @throws {BackendError} if the pointer could be neither moved nor read
   */
  advance(id: number): Promise<Advance> {
    return this.#advances.add(id)
  }

  async #moveTo(id: number): Promise<Pointer> {
    const remembered = this.#cached
    let current = remembered ?? (await this.read())
    let fresh = remembered === undefined
    for (let swaps = 0; ; swaps++) {
      if (swaps > 0 && this.#writer !== undefined && this.#countsAfterAll(current, id)) return current
      this.assertLeads(current)
      if (current.checkpointId >= id) {
        // A remembered pointer may be from before this save; what is acknowledged needs the floor of now.
        return fresh ? current : this.read()
      }
      if (current.exists && current.version === undefined) {
        const reason = `${this.key} is not an object, and cannot be replaced`
        if (this.#writer !== undefined) throw new BackendError("damaged", reason)
        this.#emit({ type: "pointer-failed", id, error: new BackendError("damaged", reason) })
        return current
      }
      if (swaps >= maxSwaps) {
        if (this.#writer !== undefined) throw new BackendError("transient", `lost ${maxSwaps} swaps of ${this.key}`)
        this.#emit({
          type: "pointer-failed",
          id,
          error: new BackendError("precondition", `lost ${maxSwaps} swaps of ${this.key}`),
        })
        return current
      }
      const swapped = await this.#swap(current, { checkpointId: id }, id)
      if (swapped.done) return swapped.pointer
      current = swapped.pointer
      fresh = true
    }
  }

  /** A swap whose answer was lost took effect, whoever leads by now: the history has the checkpoint. */
  #countsAfterAll(current: Pointer, id: number): boolean {
    return current.checkpointId >= id && countsAs(id, this.#writer?.epoch, current)
  }

  /**
   * Raises the floor before anything up to `floor` is deleted. `kept`: the ids up to there that stay. The pointer that it
   * returns names the pins; what they hold was kept, and stays.
   *
   * @throws {BackendError} if it could not be raised; then nothing may be deleted
   */
  raiseFloor(floor: number, kept: readonly number[], latestValid: number): Promise<Pointer> {
    const raise = (current: Pointer): PointerChange => {
      // A store that nobody claimed for may still tidy up; what it keeps is the history as the claims tell it.
      if (this.#writer !== undefined) this.assertLeads(current)
      // What it was decided on may not count any more: then all below it would go, and it with them.
      if (current.claims.length > 0 && !isLost(current) && latestValid > current.checkpointId)
        throw new BackendError("transient", "the store was claimed meanwhile, so nothing was removed")
      // With the floor the pointer moves up to what it stands below, so that a floor above the pointer is damage.
      const checkpointId = Math.max(current.checkpointId, latestValid)
      return { ...mergeFloor(current, floor, [...kept, ...current.pins.values()]), checkpointId }
    }
    return this.#change(raise, () => this.lastSeen())
  }

  /**
   * Swaps the pointer for what `changeFor` says of the one that is found; asked again after a lost race, and `undefined`
   * ends it.
   *
   * @throws {BackendError} if nobody knows whether it was changed, or it could not be written
   */
  change(changeFor: (current: Pointer) => PointerChange | undefined): Promise<Pointer> {
    return this.#change(changeFor, () => this.read())
  }

  #change(changeFor: (current: Pointer) => PointerChange | undefined, first: () => Promise<Pointer>): Promise<Pointer> {
    return this.#changes.run(async () => {
      let current = await first()
      for (let swaps = 0; swaps < maxSwaps; swaps++) {
        const change = changeFor(current)
        if (change === undefined) return current
        const swapped = await this.#swap(current, change)
        if (swapped.done) return swapped.pointer
        current = swapped.pointer
      }
      throw new BackendError("transient", `lost ${maxSwaps} swaps of ${this.key} to other writers`)
    })
  }

  /**
   * One compare-and-swap; whether a lost one took effect, its token tells. Not done: another writer was first, and left
   * `pointer`. With `id`: a swap that fails for good is an event, since the checkpoint itself is safe.
   */
  async #swap(current: Pointer, change: PointerChange, id?: number): Promise<{ done: boolean; pointer: Pointer }> {
    const token = newToken()
    const bytes = encodePointer(this.#place.layout, current, change, token)
    let failure: BackendError | undefined
    try {
      const swapped = await swap(this.#place.storage, this.key, current.version, bytes)
      if (swapped.outcome === "done") {
        this.#cached = decodePointer(this.#place.layout, bytes, swapped.meta.version).pointer
        return { done: true, pointer: this.#cached }
      }
      if (swapped.outcome === "unknown") failure = swapped.lost
    } catch (error) {
      this.#cached = undefined
      if (!(error instanceof BackendError)) throw error
      failure = error
    }
    this.#cached = undefined
    const seen = await this.read()
    if (sameText(seen.fields.get("token"), token)) return { done: true, pointer: seen }
    if (failure === undefined) return { done: false, pointer: seen }
    if (id !== undefined) {
      // For a writer that claimed, the pointer is the commit: without it nothing is saved.
      if (this.#writer !== undefined && this.#countsAfterAll(seen, id)) return { done: true, pointer: seen }
      // Nor is anything for one that did not, once somebody else has claimed.
      this.assertLeads(seen)
    }
    if (id === undefined || this.#writer !== undefined) throw failure
    this.#emit({ type: "pointer-failed", id, error: failure })
    return { done: true, pointer: seen }
  }
}

/** Without its claims a lost pointer would bring back what superseded writers wrote. Nobody leads until the next claim. */
function withTold(lost: Pointer, claims: readonly Claim[]): Pointer {
  const last = claims.at(-1)
  return last === undefined ? lost : { ...lost, claims, writer: { epoch: last.epoch, token: "" } }
}

/** The error of a writer that does not lead, and what it should do. */
function fenced(backend: string, own: Writer | undefined, leader: Writer | undefined): CheckpointError {
  const who =
    own === undefined
      ? "this store was opened without a claim"
      : `this store writes under claim ${own.epoch}, which was superseded`
  const now = leader === undefined ? "the claim is not there any more" : `claim ${leader.epoch} leads`
  const message = `${who}: ${now}. Stop writing. To lead, call claim() and recover on the store that it gives.`
  return new CheckpointError("CKPT_FENCED", message, { backend })
}

function sameText(value: JsonValue | undefined, text: string): boolean {
  return typeof value === "string" && value === text
}
