import { randomBytes } from "node:crypto"
import { BackendError } from "./errors.js"
import type { Emit } from "./events.js"
import { directoryName, type Layout, parseId } from "./layout.js"
import { isJsonNumber, isJsonObject, type JsonObject, type JsonValue, parseJson, printJson } from "./manifest/json.js"
import { bytesBody, type Storage } from "./storage.js"

// A pointer is some dozen bytes; one with a long `kept` list some hundred kilobytes.
const maxPointerBytes = 4 * 1024 * 1024

/** What the pointer said when it was read. */
export interface Pointer {
  /** The newest checkpoint by the pointer; 0 if there is no pointer or none that can be used. */
  readonly checkpointId: number
  /** Ids up to here were pruned and never come back, except those in `kept`. */
  readonly floor: number
  /** Ids at or below the floor that retention kept. */
  readonly kept: ReadonlySet<number>
  /** Something is at the pointer's key, even if it cannot be used. */
  readonly exists: boolean
  readonly version: string | undefined
  /** All fields as they stand at rest, ours and others'. */
  readonly fields: JsonObject
}

const noFields: JsonObject = new Map()
export const noPointer: Pointer = {
  checkpointId: 0,
  floor: 0,
  kept: new Set(),
  exists: false,
  version: undefined,
  fields: noFields,
}

/** The reader's rule: what retention removed does not count, even if a late request brings it back. */
export function counts(id: number, pointer: Pointer): boolean {
  return id > pointer.floor || pointer.kept.has(id)
}

/** Reads the pointer's bytes. Never throws: damage makes a pointer useless, and readers list anyway. */
export function decodePointer(
  layout: Layout,
  bytes: Uint8Array,
  version: string | undefined,
): { pointer: Pointer; problem?: string } {
  const useless = (problem: string) => ({ pointer: { ...noPointer, exists: true, version }, problem })
  let text: string
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return useless("it is not UTF-8")
  }
  if (layout.pointerFormat === "name") {
    const match = /^checkpoint_(\d+)$/.exec(text.trim())
    const id = match?.[1] === undefined ? undefined : parseId(match[1])
    if (id === undefined) return useless("it does not name a checkpoint directory")
    if (id === "unsafe") return useless("its id is beyond 2^53 - 1")
    return { pointer: { ...noPointer, checkpointId: id, exists: true, version } }
  }
  let value: JsonValue
  try {
    value = parseJson(text)
  } catch (error) {
    return useless(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!isJsonObject(value)) return useless("it is not a JSON object")
  const checkpointId = safeInteger(value.get("checkpoint_id"))
  if (checkpointId === undefined) return useless("its checkpoint_id is missing or no whole number up to 2^53 - 1")
  const kept = value.get("kept")
  return {
    pointer: {
      checkpointId,
      floor: safeInteger(value.get("floor")) ?? 0,
      kept: new Set(Array.isArray(kept) ? kept.map(safeInteger).filter((id) => id !== undefined) : []),
      exists: true,
      version,
      fields: value,
    },
  }
}

function safeInteger(value: JsonValue | undefined): number | undefined {
  if (!isJsonNumber(value) || !/^(?:0|[1-9]\d*)$/.test(value.number)) return undefined
  const number = Number(value.number)
  return Number.isSafeInteger(number) ? number : undefined
}

export interface PointerChange {
  readonly checkpointId?: number
  readonly floor?: number
  readonly kept?: readonly number[]
}

/**
 * The bytes of a changed pointer. Fields of others are kept. The token makes every write unique, as compare-and-swap
 * needs it on storages whose versions are content hashes, and tells ours from another's when an answer was lost.
 */
export function encodePointer(layout: Layout, current: Pointer, change: PointerChange, token: string): Uint8Array {
  const checkpointId = change.checkpointId ?? current.checkpointId
  if (layout.pointerFormat === "name") return new TextEncoder().encode(directoryName(checkpointId))
  const fields = new Map(current.fields)
  // First, and before the fields of others, as the reference writes it.
  fields.delete("checkpoint_id")
  const ordered = new Map<string, JsonValue>([["checkpoint_id", number(checkpointId)], ...fields])
  if (change.floor !== undefined) ordered.set("floor", number(change.floor))
  if (change.kept !== undefined) {
    if (change.kept.length > 0) ordered.set("kept", change.kept.map(number))
    else ordered.delete("kept")
  }
  ordered.set("token", token)
  return new TextEncoder().encode(printJson(ordered))
}

function number(value: number): JsonValue {
  return { number: String(value) }
}

export function newToken(): string {
  return randomBytes(16).toString("hex")
}

/** What a save learned of the pointer after its manifest was written. */
export interface Advance {
  readonly pointer: Pointer
  /** The pointer names this id now. */
  readonly isLatest: boolean
}

interface Waiting {
  readonly id: number
  resolve(advance: Advance): void
  reject(error: unknown): void
}

// Every lost swap means that another writer won one; with dozens of writers one may lose dozens of times.
const maxSwaps = 64
const maxLostAnswers = 3

/**
 * The pointer of one store: read, moved forward, never back. Saves that are under way together share one swap.
 */
export class PointerFile {
  readonly #storage: Storage
  readonly #layout: Layout
  readonly #emit: Emit
  readonly #token: () => string
  #cached: Pointer | undefined
  #waiting: Waiting[] = []
  #draining = false
  #queue: Promise<unknown> = Promise.resolve()

  constructor(storage: Storage, layout: Layout, emit: Emit, token: () => string = newToken) {
    this.#storage = storage
    this.#layout = layout
    this.#emit = emit
    this.#token = token
  }

  get key(): string {
    return this.#layout.pointerKey
  }

  /** The pointer as it is now, from the storage. */
  async read(signal?: AbortSignal): Promise<Pointer> {
    const pointer = await this.#read(signal)
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
      stored = await this.#storage.readBytes(key, maxPointerBytes, signal)
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
    const { pointer, problem } = decodePointer(this.#layout, bytes, version)
    if (problem !== undefined) this.#emit({ type: "pointer-unreadable", key: this.key, reason: problem })
    return pointer
  }

  /** For a backend that moves the pointer inside its own commit. */
  encodeFor(current: Pointer, id: number): Uint8Array {
    return encodePointer(this.#layout, current, { checkpointId: id }, this.#token())
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
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, resolve, reject })
      if (!this.#draining) void this.#drain()
    })
  }

  async #drain(): Promise<void> {
    this.#draining = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      const highest = Math.max(...batch.map((w) => w.id))
      try {
        const pointer = await this.exclusive(() => this.#moveTo(highest))
        for (const w of batch) w.resolve({ pointer, isLatest: pointer.checkpointId === w.id })
      } catch (error) {
        for (const w of batch) w.reject(error)
      }
    }
    this.#draining = false
  }

  async #moveTo(id: number): Promise<Pointer> {
    let current = this.#cached ?? (await this.read())
    let fresh = this.#cached === undefined
    const lost = { answers: 0 }
    for (let swaps = 0; ; swaps++) {
      if (current.checkpointId >= id) {
        // A remembered pointer may be from before this save; what is acknowledged needs the floor of now.
        return fresh ? current : this.read()
      }
      if (swaps >= maxSwaps) {
        this.#emit({
          type: "pointer-failed",
          id,
          error: new BackendError("precondition", `lost ${maxSwaps} swaps of ${this.key}`),
        })
        return current
      }
      const swapped = await this.#swap(current, { checkpointId: id }, lost, id)
      if (swapped.done) return swapped.pointer
      current = swapped.pointer
      fresh = true
    }
  }

  /**
   * Raises the floor before anything up to `floor` is deleted. `kept`: the ids up to there that stay.
   *
   * @throws {BackendError} if it could not be raised; then nothing may be deleted
   */
  raiseFloor(floor: number, kept: readonly number[]): Promise<void> {
    if (this.#layout.pointerFormat !== "json") return Promise.resolve()
    return this.exclusive(async () => {
      let current = this.#cached ?? (await this.read())
      const lost = { answers: 0 }
      for (let swaps = 0; ; swaps++) {
        if (swaps >= maxSwaps)
          throw new BackendError("transient", `lost ${maxSwaps} swaps of ${this.key} to other writers`)
        const merged = mergeFloor(current, floor, kept)
        const swapped = await this.#swap(current, merged, lost)
        if (swapped.done) return
        current = swapped.pointer
      }
    })
  }

  /**
   * One compare-and-swap, a lost answer settled by reading back. Not done: another writer was first, `pointer` is what
   * it left. With `id`: a swap that fails for good is an event, since the checkpoint itself is safe.
   */
  async #swap(
    current: Pointer,
    change: PointerChange,
    lost: { answers: number },
    id?: number,
  ): Promise<{ done: boolean; pointer: Pointer }> {
    const token = this.#token()
    const bytes = encodePointer(this.#layout, current, change, token)
    const when = current.version === undefined ? "absent" : { version: current.version }
    let failure: BackendError | undefined
    try {
      const meta = await this.#storage.put(this.key, bytesBody(bytes), { when })
      this.#cached = decodePointer(this.#layout, bytes, meta.version).pointer
      return { done: true, pointer: this.#cached }
    } catch (error) {
      this.#cached = undefined
      if (!(error instanceof BackendError)) throw error
      if (error.kind !== "precondition") failure = error
    }
    const seen = await this.read()
    if (sameText(seen.fields.get("token"), token)) return { done: true, pointer: seen }
    if (failure === undefined) return { done: false, pointer: seen }
    const again = failure.kind === "ambiguous" && !failure.unsettleable && ++lost.answers < maxLostAnswers
    if (again) return { done: false, pointer: seen }
    if (id === undefined) throw failure
    this.#emit({ type: "pointer-failed", id, error: failure })
    return { done: true, pointer: seen }
  }

  /** One change of the pointer at a time within this store: racing ourselves would only cost swaps. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#queue.then(task, task)
    this.#queue = run.catch(() => {})
    return run
  }
}

function sameText(value: JsonValue | undefined, text: string): boolean {
  return typeof value === "string" && value === text
}

/** Two collectors may raise the floor at once; nothing that either of them removed may come back. */
function mergeFloor(current: Pointer, floor: number, kept: readonly number[]): PointerChange {
  if (floor <= current.floor) {
    const removed = new Set([...current.kept].filter((id) => id <= floor && !kept.includes(id)))
    return { floor: current.floor, kept: [...current.kept].filter((id) => !removed.has(id)).sort(ascending) }
  }
  const stays = kept.filter((id) => id > current.floor || current.kept.has(id))
  return { floor, kept: [...new Set(stays)].sort(ascending) }
}

export function ascending(a: number, b: number): number {
  return a - b
}
