import { parseId } from "./ids.js"
import { isJsonNumber, isJsonObject, type JsonObject, type JsonValue, parseJson, printJson } from "./json.js"
import { directoryName, type Layout } from "./layout.js"

/** Who leads: the writer of the latest claim. */
export interface Writer {
  readonly epoch: number
  /** Unique to one `claim()`, so that two claims of one epoch are never taken for each other. */
  readonly token: string
}

/** From here on, checkpoints above `from` count only if a writer of this epoch or a later one wrote them. */
export interface Claim {
  readonly epoch: number
  readonly from: number
}

/** What the pointer said when it was read. */
export interface Pointer {
  /** The latest checkpoint by the pointer; 0 if there is no pointer or none that can be used. */
  readonly checkpointId: number
  /** Ids up to here were pruned and never come back, except those in `kept`. */
  readonly floor: number
  /** Ids at or below the floor that retention kept. */
  readonly kept: ReadonlySet<number>
  /** Absent where nobody ever claimed this store. */
  readonly writer: Writer | undefined
  readonly claims: readonly Claim[]
  /** Checkpoints that retention leaves alone, by the name of the pin. */
  readonly pins: ReadonlyMap<string, number>
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
  writer: undefined,
  claims: [],
  pins: new Map(),
  exists: false,
  version: undefined,
  fields: noFields,
}

/** Nothing of it can be read, if there is anything; its claims, if it has some, were told by their own objects. */
export function isLost(pointer: Pointer): boolean {
  return pointer.fields.size === 0
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
  const writer = decodeWriter(value.get("writer"))
  const claims = decodeClaims(value.get("claims"))
  // To guess at who leads could bring back what a superseded writer wrote.
  if (writer === "unreadable" || claims === undefined) return useless("its writer or its claims cannot be read")
  return {
    pointer: {
      checkpointId,
      floor,
      kept: new Set(Array.isArray(kept) ? kept.map(safeInteger).filter((id) => id !== undefined) : []),
      writer,
      claims,
      pins: decodePins(value.get("pins")),
      exists: true,
      version,
      fields: value,
    },
  }
}

function decodeWriter(value: JsonValue | undefined): Writer | undefined | "unreadable" {
  if (value === undefined) return undefined
  if (!isJsonObject(value)) return "unreadable"
  const epoch = safeInteger(value.get("epoch"))
  const token = value.get("token")
  return epoch === undefined || typeof token !== "string" ? "unreadable" : { epoch, token }
}

function decodeClaims(value: JsonValue | undefined): Claim[] | undefined {
  if (value === undefined) return []
  if (!Array.isArray(value)) return undefined
  const claims: Claim[] = []
  for (const one of value) {
    const epoch = isJsonObject(one) ? safeInteger(one.get("epoch")) : undefined
    const from = isJsonObject(one) ? safeInteger(one.get("from")) : undefined
    if (epoch === undefined || from === undefined) return undefined
    claims.push({ epoch, from })
  }
  return claims
}

/** What cannot be read here is told by the pins' own objects. */
function decodePins(value: JsonValue | undefined): Map<string, number> {
  const pins = new Map<string, number>()
  if (!isJsonObject(value)) return pins
  for (const [name, one] of value) {
    const id = safeInteger(one)
    if (id !== undefined) pins.set(name, id)
  }
  return pins
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
  readonly writer?: Writer
  readonly claims?: readonly Claim[]
  readonly pins?: ReadonlyMap<string, number>
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
  // Only their objects still told them.
  const lost = isLost(current) && current.claims.length > 0
  const writer = change.writer ?? (lost ? current.writer : undefined)
  const claims = change.claims ?? (lost ? current.claims : undefined)
  if (writer !== undefined) {
    const { epoch, token: own } = writer
    const stamp: [string, JsonValue][] = [
      ["epoch", number(epoch)],
      ["token", own],
    ]
    ordered.set("writer", new Map(stamp))
  }
  if (claims !== undefined) {
    const entry = ({ epoch, from }: Claim): [string, JsonValue][] => [
      ["epoch", number(epoch)],
      ["from", number(from)],
    ]
    ordered.set(
      "claims",
      claims.map((claim) => new Map(entry(claim))),
    )
  }
  if (change.pins !== undefined) {
    const names = [...change.pins.keys()].sort()
    if (names.length > 0) ordered.set("pins", new Map(names.map((name) => [name, number(change.pins?.get(name) ?? 0)])))
    else ordered.delete("pins")
  }
  ordered.set("token", token)
  return new TextEncoder().encode(printJson(ordered))
}

function number(value: number): JsonValue {
  return { number: String(value) }
}

/** A checkpoint that retention leaves alone: a savepoint. */
export interface Pin {
  readonly name: string
  readonly id: number
}
