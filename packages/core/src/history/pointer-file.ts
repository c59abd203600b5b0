import { BackendError } from "../errors.js"
import type { Emit } from "../events.js"
import { newToken } from "../format/ids.js"
import { decodePointer, encodePointer, noPointer, type Pointer } from "../format/pointer.js"
import type { Place } from "../storage/place.js"
import { bytesBody } from "../storage/storage.js"
import { onlyIf, ownVersionRefused } from "../storage/swap.js"

// A pointer has some dozen bytes.
const maxPointerBytes = 64 * 1024

/** So often another writer's move is met, before the pointer is left to that writer. */
const maxMoves = 8

/**
 * The pointer of one store. It moves forward, never back. It is a hint: a move that fails costs an event and nothing else.
 * Saves that come while the pointer is being moved share the next move, so it changes less often than there are saves.
 */
export class PointerFile {
  readonly #place: Place
  readonly #emit: Emit
  #last: Pointer | undefined
  #reading: { readonly signal: AbortSignal | undefined; readonly pointer: Promise<Pointer> } | undefined
  #moving: Promise<void> | undefined
  #wanted = 0
  #saysHistory = false
  #next: Promise<void> | undefined

  constructor(place: Place, emit: Emit) {
    this.#place = place
    this.#emit = emit
  }

  get key(): string {
    return this.#place.layout.pointerKey
  }

  /** True if the pointer, as this store last saw it, says that there is a history. */
  get saysHistory(): boolean {
    return this.#last?.saysHistory === true
  }

  /** The pointer as this store last saw it; read from the storage if this store has not seen it yet. */
  async lastSeen(signal: AbortSignal | undefined): Promise<Pointer> {
    if (this.#last !== undefined) return this.#last
    // One call reads pointer and history at once, and then asks here: its own read, which an abort by others does not end.
    const reading = this.#reading
    return reading !== undefined && reading.signal === signal ? reading.pointer : this.read(signal)
  }

  /** The pointer as it is now, from the storage. */
  async read(signal: AbortSignal | undefined): Promise<Pointer> {
    const reading = { signal, pointer: this.#read(signal) }
    this.#reading = reading
    try {
      this.#last = await reading.pointer
      return this.#last
    } finally {
      if (this.#reading === reading) this.#reading = undefined
    }
  }

  /** The pointer as it is now, for a reader: a pointer that cannot be read is told by an event, and names nothing. */
  async readHint(signal: AbortSignal | undefined): Promise<Pointer> {
    try {
      return await this.read(signal)
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof BackendError)) throw error
      this.#emit({ type: "pointer-unreadable", key: this.key, reason: error.message })
      return { ...noPointer, failure: error }
    }
  }

  async #read(signal: AbortSignal | undefined): Promise<Pointer> {
    const { key } = this
    const stored = await this.#place.storage.readOrDamage(key, maxPointerBytes, signal)
    if (stored === undefined) return noPointer
    if ("damage" in stored) {
      this.#emit({ type: "pointer-unreadable", key, reason: stored.damage })
      return { ...noPointer, exists: true, version: stored.version }
    }
    if (stored.bytes !== undefined) return this.decode(stored.bytes, stored.meta.version)
    this.#emit({ type: "pointer-unreadable", key, reason: `it has ${stored.meta.size} bytes` })
    return { ...noPointer, exists: true, version: stored.meta.version }
  }

  decode(bytes: Uint8Array, version: string | undefined): Pointer {
    const { pointer, problem } = decodePointer(this.#place.layout, bytes, version)
    if (problem !== undefined) this.#emit({ type: "pointer-unreadable", key: this.key, reason: problem })
    return pointer
  }

  /** The pointer's new bytes, for a backend that moves the pointer inside its own commit. */
  encode(current: Pointer, checkpointId: number, saysHistory: boolean): Uint8Array {
    return encodePointer(this.#place.layout, current, { checkpointId, saysHistory, token: newToken() })
  }

  /** To be called after a backend's own commit, which may have moved the pointer to a version that is not known here. */
  forget(): void {
    this.#last = undefined
  }

  /**
   * Moves the pointer to `id`, unless it names a higher id. Gives the id that it names then; the event `pointer-failed`
   * tells why it could not be moved.
   *
   * @param saysHistory the store has a history, so that its loss can be noticed
   */
  async advance(id: number, saysHistory: boolean): Promise<number> {
    this.#wanted = Math.max(this.#wanted, id)
    this.#saysHistory ||= saysHistory
    this.#next ??= (this.#moving ?? Promise.resolve()).then(() => {
      this.#next = undefined
      this.#moving = this.#move(this.#wanted).finally(() => {
        this.#moving = undefined
      })
      return this.#moving
    })
    await this.#next
    return this.#last?.checkpointId ?? 0
  }

  /** Lets the pointer say that the store has a history, if there is a pointer. */
  async sayHistory(): Promise<void> {
    await this.advance(0, true)
  }

  async #move(id: number): Promise<void> {
    try {
      let refused: string | undefined
      for (let moves = 0; moves < maxMoves; moves++) {
        const current = await this.lastSeen(undefined)
        const own = ownVersionRefused(this.key, refused, current.version)
        if (own !== undefined) throw own
        if (id === 0 && !current.exists) return
        const says = (this.#saysHistory || current.saysHistory) && this.#place.layout.pointerFormat === "json"
        if (current.checkpointId >= id && current.saysHistory === says) return
        if (current.exists && current.version === undefined)
          throw new BackendError("damaged", `${this.key} is not an object, and cannot be replaced. Move it away.`)
        const bytes = this.encode(current, Math.max(id, current.checkpointId), says)
        if (await this.#put(current, bytes, id)) return
        refused = current.version
      }
      throw new BackendError("precondition", `other writers moved ${this.key} ${maxMoves} times meanwhile`)
    } catch (error) {
      this.#last = undefined
      this.#emit({ type: "pointer-failed", id, error })
    }
  }

  /** False: another writer was first. No attempt is repeated: the next save moves the pointer anyway. */
  async #put({ version }: Pointer, bytes: Uint8Array, id: number): Promise<boolean> {
    try {
      const meta = await this.#place.storage.put(this.key, bytesBody(bytes), { ...onlyIf(version), once: true })
      this.#last = this.decode(bytes, meta.version)
      return true
    } catch (error) {
      this.#last = undefined
      if (!(error instanceof BackendError)) throw error
      if (error.kind === "precondition") return false
      // The answer may have been lost, and the pointer moved.
      if (error.kind === "ambiguous" && (await this.read(undefined)).checkpointId >= id) return true
      throw error
    }
  }
}
