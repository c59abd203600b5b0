import { parseId } from "./ids.js"
import { isJsonNumber, isJsonObject, type JsonObject, type JsonValue, parseJson, printJson } from "./json.js"
import { directoryName, type Layout } from "./layout.js"

/** The writer of the latest claim: the leader. */
export interface Writer {
  readonly epoch: number
  /** Unique to one `claim()`: if two claims take the same epoch, their tokens tell them apart. */
  readonly token: string
}

/** A checkpoint above `from` counts only if its writer has this epoch or a higher one. */
export interface Claim {
  readonly epoch: number
  readonly from: number
}

/** The pointer, as it was read. */
export interface Pointer {
  /** The latest checkpoint, by the pointer. 0 if there is no pointer, or it cannot be used. */
  readonly checkpointId: number
  /**
   * Every id at or below the floor was pruned and never comes back, except the ids in `kept`. 0: nothing was pruned.
   */
  readonly floor: number
  /** Ids at or below the floor that retention kept. */
  readonly kept: ReadonlySet<number>
  /** The leader; `undefined` if nobody ever claimed this store. */
  readonly writer: Writer | undefined
  /** Ascending by epoch. */
  readonly claims: readonly Claim[]
  /** The ids that retention leaves alone, by the names of the pins. */
  readonly pins: ReadonlyMap<string, number>
  /** True if something is at the pointer's key, even if it cannot be used. */
  readonly exists: boolean
  readonly version: string | undefined
  /**
   * All fields as they are stored, ours and those of other programs. Empty if there are none, or they cannot be used.
   */
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

/**
 * True if the pointer is missing or cannot be used (or is a bare name, which has no fields). If a lost pointer has
 * claims, they come from the claims' own objects.
 */
export function isLost(pointer: Pointer): boolean {
  return pointer.fields.size === 0
}

/**
 * Reads the pointer's bytes. Never throws: a damaged pointer is a lost pointer, with a `problem`, and readers list
 * anyway.
 */
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
  const kept = decodeKept(value.get("kept"))
  const writer = decodeWriter(value.get("writer"))
  const claims = decodeClaims(value.get("claims"))
  // Without its `kept`, checkpoints that retention left would no longer count, and go with the next prune.
  if (kept === undefined) return useless("its kept cannot be read")
  // A guess at the claims could make manifests of a superseded writer count again.
  if (writer === "unreadable" || claims === undefined) return useless("its writer or its claims cannot be read")
  return {
    pointer: {
      checkpointId,
      floor,
      kept,
      writer,
      claims,
      pins: decodePins(value.get("pins")),
      exists: true,
      version,
      fields: value,
    },
  }
}

function decodeKept(value: JsonValue | undefined): ReadonlySet<number> | undefined {
  if (value === undefined) return new Set()
  if (!Array.isArray(value)) return undefined
  const ids = value.map(safeInteger)
  return ids.every((id) => id !== undefined) ? new Set(ids) : undefined
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

/** Entries that cannot be read are left out: the pins' own objects still tell them. */
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

/** The fields of the pointer that change. Every other field stays. */
export interface PointerChange {
  readonly checkpointId?: number
  readonly floor?: number
  readonly kept?: readonly number[]
  readonly writer?: Writer
  readonly claims?: readonly Claim[]
  readonly pins?: ReadonlyMap<string, number>
}

/**
 * The bytes of a changed pointer. Fields of other programs are kept. `token` is unique to this write, for two reasons:
 * a storage whose versions are content hashes must never see the same bytes twice; and after a lost answer it tells our
 * write from another writer's.
 */
export function encodePointer(layout: Layout, current: Pointer, change: PointerChange, token: string): Uint8Array {
  const checkpointId = change.checkpointId ?? current.checkpointId
  if (layout.pointerFormat === "name") return new TextEncoder().encode(directoryName(checkpointId))
  const fields = new Map(current.fields)
  // `checkpoint_id` is the first field, as in the reference.
  fields.delete("checkpoint_id")
  const ordered = new Map<string, JsonValue>([["checkpoint_id", number(checkpointId)], ...fields])
  if (change.floor !== undefined) ordered.set("floor", number(change.floor))
  if (change.kept !== undefined) {
    if (change.kept.length > 0) ordered.set("kept", change.kept.map(number))
    else ordered.delete("kept")
  }
  // The claims of a lost pointer are in their own objects alone, so they are put into the pointer again.
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

/** A savepoint: a checkpoint that retention leaves alone. */
export interface Pin {
  /** Up to 100 letters, digits, ".", "_" and "-"; the first is a letter or digit. */
  readonly name: string
  /** The checkpoint. */
  readonly id: number
}
