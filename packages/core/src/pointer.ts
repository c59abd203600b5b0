import { randomBytes } from "node:crypto"
import { directoryName, type Layout, parseId } from "./layout.js"
import { isJsonNumber, isJsonObject, type JsonObject, type JsonValue, parseJson, printJson } from "./manifest/json.js"

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
  // Floor 0 says that nothing was removed; a damaged checkpoint 0 is still shown as damaged.
  return pointer.floor === 0 || id > pointer.floor || pointer.kept.has(id)
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
  const floor = value.has("floor") ? safeInteger(value.get("floor")) : 0
  if (floor === undefined) return useless("its floor is no whole number up to 2^53 - 1")
  if (floor > 0 && floor >= checkpointId)
    return useless(`its floor ${floor} is not below its checkpoint_id ${checkpointId}`)
  const kept = value.get("kept")
  return {
    pointer: {
      checkpointId,
      floor,
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

export function ascending(a: number, b: number): number {
  return a - b
}
