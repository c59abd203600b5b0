import { parseId } from "./ids.js"
import { isJsonNumber, isJsonObject, type JsonObject, type JsonValue, parseJson, printJson } from "./json.js"
import { directoryName, type Layout } from "./layout.js"

/**
 * The pointer, as it was read: `latest.json` or `latest.txt`, by which readers of the reference find the latest checkpoint.
 * It is a hint. Nothing counts, and nothing is deleted, because of it.
 */
export interface Pointer {
  /** The latest checkpoint, by the pointer. 0 if there is no pointer, or it cannot be used. */
  readonly checkpointId: number
  /** True if it says that the store has a history. The reference drops this when it moves the pointer. */
  readonly saysHistory: boolean
  /** True if something is at the pointer's key, even if it cannot be used. */
  readonly exists: boolean
  /** Why it could not be read, though the storage may work. Nobody knows then whether there is one. */
  readonly failure?: unknown
  readonly version: string | undefined
  /** All fields as they are stored, ours and those of other programs. */
  readonly fields: JsonObject
}

export const noPointer: Pointer = {
  checkpointId: 0,
  saysHistory: false,
  exists: false,
  version: undefined,
  fields: new Map(),
}

/** Reads the pointer's bytes. Never throws: a pointer that cannot be used names nothing, and has a `problem`. */
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
  const saysHistory = value.get("history") === true
  return { pointer: { checkpointId, saysHistory, exists: true, version, fields: value } }
}

function safeInteger(value: JsonValue | undefined): number | undefined {
  if (!isJsonNumber(value) || !/^(?:0|[1-9]\d*)$/.test(value.number)) return undefined
  const number = Number(value.number)
  return Number.isSafeInteger(number) ? number : undefined
}

/**
 * The bytes of a pointer that names `checkpointId`. Fields of other programs are kept. `token` is new for each write: a
 * storage whose versions are content hashes must never see the same bytes twice.
 */
export function encodePointer(
  layout: Layout,
  { fields }: Pointer,
  { checkpointId, saysHistory, token }: { checkpointId: number; saysHistory: boolean; token: string },
): Uint8Array {
  if (layout.pointerFormat === "name") return new TextEncoder().encode(directoryName(checkpointId))
  // `checkpoint_id` is the first field, as in the reference.
  const ordered = new Map<string, JsonValue>([["checkpoint_id", { number: String(checkpointId) }]])
  for (const [key, value] of fields) if (key !== "checkpoint_id") ordered.set(key, value)
  if (saysHistory) ordered.set("history", true)
  ordered.set("token", token)
  return new TextEncoder().encode(printJson(ordered))
}
