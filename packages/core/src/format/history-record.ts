import { sha256 } from "../bytes/sha256.js"
import { IdRanges } from "./id-ranges.js"
import { newToken } from "./ids.js"
import { isJsonNumber, isJsonObject, type JsonObject, type JsonValue, parseJson, printJson } from "./json.js"

/** A claim: its epoch, and the random id of the writer that made it. */
export interface Claim {
  readonly epoch: number
  readonly writer: string
}

/** The history: everything about a store that says which of its checkpoints count. One object holds it. */
export interface HistoryRecord {
  /** Random, set when the object is created, never changed. Empty if there is no object. */
  readonly lineage: string
  /** Of the last claim that was given; 0: nobody ever claimed. */
  readonly epoch: number
  /** The writer of that claim: the leader. `undefined` if nobody claimed, or the leader gave the lead up. */
  readonly writer: string | undefined
  /** A claim that is being made. Until it ends, no save is acknowledged and nothing is deleted. */
  readonly claiming: Claim | undefined
  /** Ids up to the floor count only if they are in `kept`. */
  readonly floor: number
  /** The ids at or below the floor that count. */
  readonly kept: IdRanges
  /**
   * The latest valid checkpoint when something was last deleted; in a copy also the latest of its original, if it was lost. Never
   * lowered: a listing without it is too old, or it is lost.
   */
  readonly top: number
  /** The ids that retention leaves alone, by the names of the pins. */
  readonly pins: ReadonlyMap<string, number>
}

/** The history of a store without the object: nothing was claimed, pinned or removed. */
export const noHistory: HistoryRecord = {
  lineage: "",
  epoch: 0,
  writer: undefined,
  claiming: undefined,
  floor: 0,
  kept: IdRanges.empty,
  top: 0,
  pins: new Map(),
}

/** The bytes that pins and removals may let the object grow to. */
export const maxGrownBytes = 1024 * 1024

/**
 * The most bytes of the object. A claim may use them all: it keeps whatever is there, and nobody could remove anything without it.
 */
export const maxHistoryBytes = 16 * maxGrownBytes

const formatVersion = 1
const checksumTail = (hex: string) => `,\n  "checksum": "${hex}"\n}`
const tailLength = checksumTail("0".repeat(64)).length

/**
 * The bytes of a history. `token` is new for each write, so that no two writes have the same bytes, and a lost answer is
 * settled by the token that is there.
 */
export function encodeHistory(record: HistoryRecord, token: string): Uint8Array {
  const problem = problemOf(record)
  if (problem !== undefined) throw new Error(`a history that must not be written: ${problem}`)
  const body = bodyOf(record, token)
  return new TextEncoder().encode(`${body}${checksumTail(sha256(new TextEncoder().encode(body)))}`)
}

/** The text up to the checksum. */
function bodyOf(record: HistoryRecord, token: string): string {
  const { lineage, epoch, writer, claiming, floor, kept, top, pins } = record
  const fields: [string, JsonValue | undefined][] = [
    ["version", number(formatVersion)],
    ["lineage", lineage],
    ["epoch", number(epoch)],
    ["writer", writer],
    ["claiming", claiming && claimToJson(claiming)],
    ["floor", number(floor)],
    ["kept", kept.toString()],
    ["top", number(top)],
    ["pins", new Map([...pins].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, id]) => [name, number(id)]))],
    ["token", token],
  ]
  const json = new Map(fields.filter((field): field is [string, JsonValue] => field[1] !== undefined))
  return printJson(json).replace(/\s*\}\s*$/, "")
}

/** A history that was read, or why it cannot be used. `isNewer`: a newer release wrote it, and it is not damaged. */
export type DecodedHistory =
  | { readonly record: HistoryRecord; readonly token: string }
  | { readonly record?: never; readonly problem: string; readonly isNewer?: boolean }

/** Reads a history. Only bytes that {@link encodeHistory} could have written are one: any other is damage. */
export function decodeHistory(bytes: Uint8Array): DecodedHistory {
  const split = bytes.length - tailLength
  const tail = split > 0 ? new TextDecoder().decode(bytes.subarray(split)) : ""
  const body = bytes.subarray(0, Math.max(0, split))
  if (split <= 0 || tail !== checksumTail(sha256(body))) return { problem: "its checksum is not that of its bytes" }
  let fields: JsonValue
  try {
    fields = parseJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (error) {
    return { problem: `it is not JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  if (!isJsonObject(fields)) return { problem: "it is not a JSON object" }
  const version = wholeNumber(fields.get("version"))
  if (version !== undefined && version > formatVersion)
    return { problem: `its version is ${version}, and this release reads ${formatVersion}`, isNewer: true }
  const record = recordOf(fields)
  const token = fields.get("token")
  if (record === undefined || typeof token !== "string") return { problem: "a field is missing or of another type" }
  const problem = problemOf(record)
  if (problem !== undefined) return { problem }
  const own = new TextEncoder().encode(bodyOf(record, token))
  if (Buffer.compare(own, body) !== 0) return { problem: "it has fields that are not known" }
  return { record, token }
}

function recordOf(fields: JsonObject): HistoryRecord | undefined {
  const lineage = fields.get("lineage")
  const epoch = wholeNumber(fields.get("epoch"))
  const writer = fields.get("writer")
  const claiming = fields.has("claiming") ? claimOf(fields.get("claiming")) : undefined
  const floor = wholeNumber(fields.get("floor"))
  const text = fields.get("kept")
  const kept = typeof text === "string" ? IdRanges.parse(text) : undefined
  const top = wholeNumber(fields.get("top"))
  const pins = pinsOf(fields.get("pins"))
  if (typeof lineage !== "string" || (writer !== undefined && typeof writer !== "string")) return undefined
  if (epoch === undefined || floor === undefined || kept === undefined || top === undefined) return undefined
  if (claiming === "unreadable" || pins === undefined) return undefined
  return { lineage, epoch, writer, claiming, floor, kept, top, pins }
}

/**
 * What must hold of every history, before it is written and after it is read. `undefined`: it holds. Without this a slip
 * of one release would be believed for ever.
 */
function problemOf({ lineage, epoch, writer, claiming, floor, kept, pins }: HistoryRecord): string | undefined {
  if (!isToken(lineage)) return "its lineage is not 32 hexadecimal digits"
  if (writer !== undefined && !isToken(writer)) return "its writer is not 32 hexadecimal digits"
  if (epoch === 0 && writer !== undefined) return "it has a writer without an epoch"
  if (claiming !== undefined && !(claiming.epoch > epoch && isToken(claiming.writer)))
    return `it has a claim that is not above its epoch ${epoch}`
  if (kept.highest > floor) return `its kept has ${kept.highest}, above its floor ${floor}`
  for (const [name, id] of pins)
    if (id <= floor && !kept.has(id)) return `it pins ${id} as ${JSON.stringify(name)}, which does not count`
  return undefined
}

function isToken(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}

/** The lineage of a new history, or the id of a new writer. */
export const newHistoryId = newToken

function pinsOf(value: JsonValue | undefined): Map<string, number> | undefined {
  if (!isJsonObject(value)) return undefined
  const pins = new Map<string, number>()
  for (const [name, one] of value) {
    const id = wholeNumber(one)
    if (id === undefined) return undefined
    pins.set(name, id)
  }
  return pins
}

function claimOf(value: JsonValue | undefined): Claim | "unreadable" {
  const epoch = isJsonObject(value) ? wholeNumber(value.get("epoch")) : undefined
  const writer = isJsonObject(value) ? value.get("writer") : undefined
  return epoch === undefined || typeof writer !== "string" ? "unreadable" : { epoch, writer }
}

function claimToJson({ epoch, writer }: Claim): JsonValue {
  return new Map<string, JsonValue>([
    ["epoch", number(epoch)],
    ["writer", writer],
  ])
}

function number(value: number): JsonValue {
  return { number: String(value) }
}

function wholeNumber(value: JsonValue | undefined): number | undefined {
  if (!isJsonNumber(value) || !/^(?:0|[1-9]\d*)$/.test(value.number)) return undefined
  const found = Number(value.number)
  return Number.isSafeInteger(found) ? found : undefined
}
