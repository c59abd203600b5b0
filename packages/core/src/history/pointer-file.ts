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
import { maxSwaps, ownVersionRefused, swap } from "../storage/swap.js"
import { type Advance, Advances } from "./advances.js"
import { mergeFloor } from "./floor.js"
import { counts } from "./rule.js"

// A pointer has some dozen bytes; with a long `kept` list, some hundred kilobytes.
const maxPointerBytes = 4 * 1024 * 1024

/** The pointer of one store. It moves forward, never back, and every change of it is a compare-and-swap. */
export class PointerFile {
  readonly #place: Place
  readonly #emit: Emit
  /** The writer of a store that `claim()` gave. Such a store may change the pointer only while its writer leads. */
  readonly #writer: Writer | undefined
  readonly #claims: (signal?: AbortSignal) => Promise<readonly Claim[]>
  #cached: Pointer | undefined
  readonly #advances: Advances
  /** One change at a time within this store: two at once would only lose swaps to each other. */
  readonly #changes = new Mutex()

  /** @param claims reads the claims from their own objects, for a lost pointer */
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
    // Each swap of a leader commits one checkpoint, and is settled on its own. Saves of a plain store share swaps.
    this.#advances = new Advances(move, writer === undefined ? "together" : "one by one")
  }

  get writer(): Writer | undefined {
    return this.#writer
  }

  /** @throws {CheckpointError} `CKPT_FENCED` unless `writer` leads; default: this store's own writer */
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
   * @param listed the claims that a listing showed; without them, a lost pointer costs one more listing
   */
  async read(signal?: AbortSignal, listed?: readonly Claim[]): Promise<Pointer> {
    const read = await this.#read(signal)
    const isJson = this.#place.layout.pointerFormat === "json"
    const pointer = isJson && isLost(read) ? withTold(read, listed ?? (await this.#claims(signal))) : read
    this.#cached = pointer
    return pointer
  }

  /** The pointer as this store last saw it; read from the storage if this store has not seen it yet. */
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

  /** The pointer's new bytes, for a backend that moves the pointer inside its own commit. */
  encodeFor(current: Pointer, id: number): Uint8Array {
    return encodePointer(this.#place.layout, current, { checkpointId: id }, newToken())
  }

  /**
   * Forgets the pointer that was last seen. To be called after a backend's own commit, which may have replaced the
   * pointer by a version that is not known here: the next swap reads it again.
   */
  forget(): void {
    this.#cached = undefined
  }

  /**
   * Moves the pointer to `id`, unless it names a higher id. Gives a pointer that was read or swapped after this call
   * began, so it shows every floor that was raised before the call.
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
        // A remembered pointer may be older than this save, and so may its floor. An acknowledgement needs the floor of
        // now.
        return fresh ? current : this.read()
      }
      if (isNoObject(current)) {
        if (this.#writer !== undefined) throw this.#noObject()
        this.#emit({ type: "pointer-failed", id, error: this.#noObject() })
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
      if (swapped.isOver) return swapped.pointer
      current = swapped.pointer
      fresh = true
    }
  }

  #noObject(): BackendError {
    return new BackendError("damaged", `${this.key} is not an object, and cannot be replaced. Move it away.`)
  }

  /**
   * True if a leader's swap to `id` took effect although its answer was lost: the checkpoint counts, whoever leads by
   * now.
   */
  #countsAfterAll(current: Pointer, id: number): boolean {
    return current.checkpointId >= id && counts(id, this.#writer?.epoch ?? 0, current)
  }

  /**
   * Raises the floor, before any checkpoint at or below `floor` is deleted. Gives the pointer, which names the pins: a
   * pinned checkpoint is in its `kept`, and must not be deleted.
   *
   * @param kept the ids at or below `floor` that stay
   * @param latestValid the latest valid checkpoint, which is above `floor`
   * @throws {BackendError} if the floor could not be raised; then nothing may be deleted
   */
  raiseFloor(floor: number, kept: readonly number[], latestValid: number): Promise<Pointer> {
    const raise = (current: Pointer): PointerChange => {
      // A plain store may prune while another process leads: it keeps the checkpoints that count by the claims.
      if (this.#writer !== undefined) this.assertLeads(current)
      // A claim has excluded the latest valid checkpoint since it was found. If the
      // checkpoints below it went too, none that counts might be left.
      if (current.claims.length > 0 && !isLost(current) && latestValid > current.checkpointId)
        throw new BackendError("transient", "the store was claimed meanwhile, so nothing was removed")
      // The pointer moves up together with the floor, so `floor` is always below `checkpoint_id`; anything else is
      // damage.
      const checkpointId = Math.max(current.checkpointId, latestValid)
      return { ...mergeFloor(current, floor, [...kept, ...current.pins.values()]), checkpointId }
    }
    return this.#change(raise, () => this.lastSeen())
  }

  /**
   * Changes the pointer by compare-and-swap. `changeFor` gets the pointer and gives the change; after a lost race it
   * gets the pointer that won. `undefined` ends the call without a swap.
   *
   * @throws {BackendError} if the pointer could not be written, or nobody knows whether it was
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
        if (isNoObject(current)) throw this.#noObject()
        const swapped = await this.#swap(current, change)
        if (swapped.isOver) return swapped.pointer
        current = swapped.pointer
      }
      throw new BackendError("transient", `lost ${maxSwaps} swaps of ${this.key} to other writers`)
    })
  }

  /**
   * One compare-and-swap. If its answer was lost, its token settles it: the swap took effect if the pointer has that
   * token. Not `isOver`: another writer was first, and `pointer` is that writer's. `id` is given by a save. The
   * checkpoint of a plain save is safe without the pointer, so a swap of a plain save that fails for good is an event,
   * and `isOver`.
   */
  async #swap(current: Pointer, change: PointerChange, id?: number): Promise<{ isOver: boolean; pointer: Pointer }> {
    const token = newToken()
    const bytes = encodePointer(this.#place.layout, current, change, token)
    let lost: BackendError | undefined
    let failure: BackendError | undefined
    try {
      const swapped = await swap(this.#place.storage, this.key, current.version, bytes)
      if (swapped.outcome === "done") {
        this.#cached = decodePointer(this.#place.layout, bytes, swapped.meta.version).pointer
        return { isOver: true, pointer: this.#cached }
      }
      lost = swapped.lost
      if (swapped.outcome === "unknown") failure = swapped.lost
    } catch (error) {
      this.#cached = undefined
      if (!(error instanceof BackendError)) throw error
      failure = error
    }
    this.#cached = undefined
    const seen = await this.read()
    if (sameText(seen.fields.get("token"), token)) {
      failure = await this.#notDurable(lost ?? failure)
      if (failure === undefined) return { isOver: true, pointer: seen }
    } else failure ??= ownVersionRefused(this.key, current.version, seen.version)
    if (failure === undefined) return { isOver: false, pointer: seen }
    if (id !== undefined) {
      // A leader commits by the swap. Its checkpoint is saved if it counts by the pointer that is there now.
      if (this.#writer !== undefined && this.#countsAfterAll(seen, id)) return { isOver: true, pointer: seen }
      // Nor is a plain save acknowledged once another writer has claimed the store.
      this.assertLeads(seen)
    }
    if (id === undefined || this.#writer !== undefined) throw failure
    this.#emit({ type: "pointer-failed", id, error: failure })
    return { isOver: true, pointer: seen }
  }

  /** Why a pointer that was found after a lost answer may not be durable; `undefined`: it is. */
  async #notDurable(lost: BackendError | undefined): Promise<BackendError | undefined> {
    if (lost === undefined) return undefined
    return this.#place.storage.confirm([this.key], lost, undefined).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof BackendError) return error
        throw error
      },
    )
  }
}

/** Something is at the pointer's key that is no object (a folder, a link), so that no swap can name its version. */
function isNoObject({ exists, version }: Pointer): boolean {
  return exists && version === undefined
}

/**
 * A lost pointer, with the claims that their own objects tell. Without claims, manifests of superseded writers would
 * count again. No writer has the empty token, so nobody leads until the next claim.
 */
function withTold(lost: Pointer, claims: readonly Claim[]): Pointer {
  const last = claims.at(-1)
  return last === undefined ? lost : { ...lost, claims, writer: { epoch: last.epoch, token: "" } }
}

/** The error of a writer that does not lead: who leads, and what to do. */
function fenced(backend: string, own: Writer | undefined, leader: Writer | undefined): CheckpointError {
  const who =
    own === undefined
      ? "this store was opened without a claim"
      : `this store writes under claim ${own.epoch}, which was superseded`
  const now = leader === undefined ? "the claim is gone" : `claim ${leader.epoch} leads`
  const message = `${who}: ${now}. Stop writing. To lead, call claim() and recover on the store that it gives.`
  return new CheckpointError("CKPT_FENCED", message, { backend })
}

function sameText(value: JsonValue | undefined, text: string): boolean {
  return typeof value === "string" && value === text
}
