import { atOnce, type Work } from "../../async/turns.js"
import { hashing, isSha256 } from "../../bytes/sha256.js"
import { CheckpointError } from "../../errors.js"
import { quote } from "../../input/show.js"
import {
  describe,
  isJsonNumber,
  isJsonObject,
  JsonError,
  type JsonObject,
  type JsonPath,
  type JsonValue,
  parsingJson,
} from "../json.js"
import { fatal, type IssueCode, type ValidationIssue } from "./issues.js"
import {
  type CheckpointManifest,
  type ConnectorOffsets,
  emptyRecord,
  MANIFEST_VERSION,
  MAX_MANIFEST_BYTES,
  type OperatorState,
  type SinkCommitStatus,
  type UnknownFields,
  type WriterStamp,
} from "./model.js"
import { Rest } from "./rest.js"
import { CHECKSUM_KEY, OWN_FIELDS } from "./seal.js"
import { newerVersion, zeroIssues } from "./validate.js"

/** A manifest, or fatal issues, or both: a manifest with id or epoch 0 can be read. */
export interface DecodedManifest {
  readonly manifest?: CheckpointManifest
  readonly issues: ValidationIssue[]
}

/**
 * Reads a manifest in its stored form, which is that of the reference (LaminarDB's `CheckpointManifest`, as serde_json
 * writes it).
 *
 * @param stored its bytes, or the text that {@link manifestToJson} gives
 * @throws {CheckpointError} `CKPT_CORRUPT`, with the field's path, if it cannot be read exactly
 */
export function parseManifest(stored: Uint8Array | string): CheckpointManifest {
  const { manifest, issues } = decodeManifest(typeof stored === "string" ? new TextEncoder().encode(stored) : stored)
  if (manifest !== undefined) return manifest
  throw new CheckpointError("CKPT_CORRUPT", issues.map((issue) => issue.message).join("; "))
}

/**
 * Like {@link parseManifest}, for a walk over damaged manifests: damage is an issue, never an error. If there is a
 * manifest, `validateManifest` finds these issues again, and more.
 */
export function decodeManifest(bytes: Uint8Array): DecodedManifest {
  return atOnce(decodingManifest(bytes))
}

/** {@link decodeManifest} as work with pauses. */
export function* decodingManifest(bytes: Uint8Array): Work<DecodedManifest> {
  try {
    const manifest = yield* reading(bytes)
    return { manifest, issues: zeroIssues(manifest) }
  } catch (error) {
    if (error instanceof Unreadable) return { issues: [error.issue] }
    if (error instanceof JsonError) return { issues: [corrupt(error.message)] }
    throw error
  }
}

// ---- reading

class Unreadable extends Error {
  readonly issue: ValidationIssue

  constructor(issue: ValidationIssue) {
    super(issue.message)
    this.issue = issue
  }
}

function corrupt(reason: string, code: IssueCode = "manifest-corrupt"): ValidationIssue {
  return fatal(code, `corrupt manifest: ${reason}`)
}

function refuse(path: JsonPath, problem: string): never {
  throw new Unreadable(corrupt(describe(path, problem)))
}

function* reading(bytes: Uint8Array): Work<CheckpointManifest> {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new Unreadable(corrupt(`${bytes.length} bytes, more than ${MAX_MANIFEST_BYTES}`, "manifest-too-large"))
  }
  const text = yield* decodingUtf8(bytes)
  const document = yield* parsingJson(text)
  if (!isJsonObject(document)) refuse([], `expected an object, found ${kind(document)}`)
  const rest = new Rest()
  // In a later version any other field may mean something else, the checksum too. So no other field is read.
  const version = new Fields(document, [], rest).required("version", u32)
  if (version > MANIFEST_VERSION) throw new Unreadable(newerVersion(version))
  yield* checkingChecksum(document, text, bytes)
  const manifest = manifestFromJson(document, rest)
  yield* rest.work()
  return manifest
}

function* decodingUtf8(bytes: Uint8Array): Work<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
  try {
    // Faster than in pieces.
    if (bytes.length <= utf8AtOnce) return decoder.decode(bytes)
    let text = ""
    for (let at = 0; at < bytes.length; at += utf8AtOnce) {
      if (at > 0) yield
      text += decoder.decode(bytes.subarray(at, at + utf8AtOnce), { stream: true })
    }
    return text + decoder.decode()
  } catch {
    return refuse([], "not UTF-8")
  }
}

const utf8AtOnce = 1024 * 1024

/**
 * `manifest_checksum` must be the last field, in exactly the form of {@link checksumTail}: its place says which bytes
 * it covers. Without that field a manifest is legacy, and has no checksum. Two exceptions show that the name of our field
 * was damaged, and so may be the rest: another field of ours, and a last field of another name that holds the checksum of
 * the bytes before it.
 */
function* checkingChecksum(document: JsonObject, text: string, bytes: Uint8Array): Work<void> {
  const tail = /,\n {2}("[^"\n]*"): "([0-9a-f]{64})"\n\}$/.exec(text.slice(-1024))
  const covered = tail === null ? 0 : bytes.length - Buffer.byteLength(tail[0])
  const isTail = tail?.[1] === `"${CHECKSUM_KEY}"`
  if (document.has(CHECKSUM_KEY)) {
    if (!isTail) unsound(`${CHECKSUM_KEY} is not the last field, or not 64 lower-case hex digits`)
    const actual = yield* hashing(bytes.subarray(0, covered))
    if (actual !== tail[2]) unsound(`${CHECKSUM_KEY} says ${tail[2]}, the bytes before it have ${actual}`)
    return
  }
  const own = OWN_FIELDS.find((field) => document.has(field))
  if (own !== undefined) unsound(`it has ${own}, which this library writes, and no ${CHECKSUM_KEY}`)
  if (tail === null || tail[1] === '"state_checksum"') return
  if ((yield* hashing(bytes.subarray(0, covered))) !== tail[2]) return
  unsound(`the last field, ${tail[1]}, holds the checksum of the bytes before it, but is not ${CHECKSUM_KEY}`)
}

function unsound(reason: string): never {
  throw new Unreadable(corrupt(reason, "manifest-checksum"))
}

/** Takes the known fields out of an object, one by one. The fields that are left are unknown fields. */
class Fields {
  private readonly left: Map<string, JsonValue>
  private readonly path: JsonPath
  private readonly rest: Rest

  constructor(value: JsonValue, path: JsonPath, rest: Rest) {
    if (!isJsonObject(value)) refuse(path, `expected an object, found ${kind(value)}`)
    this.left = new Map(value)
    this.path = path
    this.rest = rest
  }

  required<T>(key: string, decode: Decode<T>): T {
    const value = this.left.get(key)
    const path = [...this.path, key]
    if (value === undefined) refuse(path, "missing")
    this.left.delete(key)
    return decode(value, path, this.rest)
  }

  optional<T, D>(key: string, decode: Decode<T>, absent: D): T | D {
    return this.left.has(key) ? this.required(key, decode) : absent
  }

  nullable<T>(key: string, decode: Decode<T>): T | null {
    return this.optional(key, (value, path, rest) => (value === null ? null : decode(value, path, rest)), null)
  }

  /** For a spread: an object with the field, or an empty object if the field is absent. */
  extension<K extends string, T>(property: K, key: string, decode: Decode<T>): { [P in K]?: T } {
    return this.left.has(key) ? ({ [property]: this.required(key, decode) } as { [P in K]?: T }) : {}
  }

  unknown(): { unknownFields?: UnknownFields } {
    return this.left.size === 0 ? {} : { unknownFields: this.left }
  }
}

type Decode<T> = (value: JsonValue, path: JsonPath, rest: Rest) => T

function manifestFromJson(document: JsonObject, rest: Rest): CheckpointManifest {
  const f = new Fields(document, [], rest)
  f.optional(CHECKSUM_KEY, string, undefined)
  return {
    version: f.required("version", u32),
    checkpointId: f.required("checkpoint_id", u64),
    epoch: f.required("epoch", u64),
    timestampMs: f.required("timestamp_ms", u64),
    sourceOffsets: f.optional("source_offsets", mapOf(connectorFromJson), emptyRecord<ConnectorOffsets>()),
    sinkEpochs: f.optional("sink_epochs", mapOf(u64), emptyRecord<number>()),
    sinkCommitStatuses: f.optional("sink_commit_statuses", mapOf(statusFromJson), emptyRecord<SinkCommitStatus>()),
    tableOffsets: f.optional("table_offsets", mapOf(connectorFromJson), emptyRecord<ConnectorOffsets>()),
    operatorStates: f.optional("operator_states", mapOf(operatorFromJson), emptyRecord<OperatorState>()),
    tableStoreCheckpointPath: f.nullable("table_store_checkpoint_path", string),
    watermark: f.nullable("watermark", i64Exact),
    sourceWatermarks: f.optional("source_watermarks", mapOf(i64Exact), emptyRecord<bigint>()),
    sourceNames: f.optional("source_names", strings, []),
    sinkNames: f.optional("sink_names", strings, []),
    pipelineHash: f.nullable("pipeline_hash", u64Exact),
    vnodeCount: f.optional("vnode_count", u16, 0),
    stateChecksum: f.nullable("state_checksum", sha256Hex),
    ...f.extension("stateSize", "state_size", u64),
    ...f.extension("operatorChecksums", "operator_checksums", mapOf(sha256Hex)),
    ...f.extension("labels", "labels", mapOf(string)),
    ...f.extension("writer", "writer", writerFromJson),
    ...f.extension("updateToken", "update_token", string),
    ...f.extension("seen", "seen", u64),
    ...f.unknown(),
  }
}

function connectorFromJson(value: JsonValue, path: JsonPath, rest: Rest): ConnectorOffsets {
  const f = new Fields(value, path, rest)
  return {
    epoch: f.required("epoch", u64),
    offsets: f.required("offsets", mapOf(string)),
    metadata: f.optional("metadata", mapOf(string), emptyRecord<string>()),
    ...f.unknown(),
  }
}

function operatorFromJson(value: JsonValue, path: JsonPath, rest: Rest): OperatorState {
  const f = new Fields(value, path, rest)
  return {
    stateB64: f.nullable("state_b64", string),
    external: f.optional("external", boolean, false),
    externalOffset: f.optional("external_offset", u64, 0),
    externalLength: f.optional("external_length", u64, 0),
    ...f.unknown(),
  }
}

function writerFromJson(value: JsonValue, path: JsonPath, rest: Rest): WriterStamp {
  const f = new Fields(value, path, rest)
  return {
    epoch: f.required("epoch", u64),
    id: f.required("id", string),
    ...f.unknown(),
  }
}

function statusFromJson(value: JsonValue, path: JsonPath): SinkCommitStatus {
  if (value === "Pending") return { status: "pending" }
  if (value === "Committed") return { status: "committed" }
  const failed = isJsonObject(value) && value.size === 1 ? value.get("Failed") : undefined
  if (typeof failed === "string") return { status: "failed", message: failed }
  return refuse(path, `expected "Pending", "Committed" or { "Failed": "message" }`)
}

function mapOf<T>(decode: Decode<T>): Decode<Record<string, T>> {
  return (value, path, rest) => {
    if (!isJsonObject(value)) return refuse(path, `expected an object, found ${kind(value)}`)
    const map = emptyRecord<T>()
    rest.each(value, value.size, ([key, member]) => {
      map[key] = decode(member, [...path, key], rest)
    })
    return map
  }
}

function string(value: JsonValue, path: JsonPath): string {
  return typeof value === "string" ? value : refuse(path, `expected a string, found ${kind(value)}`)
}

function strings(value: JsonValue, path: JsonPath, rest: Rest): string[] {
  if (!Array.isArray(value)) return refuse(path, `expected an array, found ${kind(value)}`)
  const items: readonly JsonValue[] = value
  const texts: string[] = []
  rest.each(items, items.length, (item) => {
    texts.push(string(item, [...path, texts.length]))
  })
  return texts
}

function boolean(value: JsonValue, path: JsonPath): boolean {
  return typeof value === "boolean" ? value : refuse(path, `expected a boolean, found ${kind(value)}`)
}

function sha256Hex(value: JsonValue, path: JsonPath): string {
  const hex = string(value, path)
  return isSha256(hex) ? hex : refuse(path, `expected 64 lower-case hex digits, found ${quote(hex)}`)
}

const i64Exact = exactInteger("i64", -(2n ** 63n), 2n ** 63n - 1n)
const u64Exact = exactInteger("u64", 0n, 2n ** 64n - 1n)
const u32 = safeInteger(exactInteger("u32", 0n, 2n ** 32n - 1n))
const u16 = safeInteger(exactInteger("u16", 0n, 2n ** 16n - 1n))
const u64 = safeInteger(u64Exact)

/**
 * Takes plain digits only, since `1.0`, `1e3` and `-0` are integers to JavaScript alone. At most 20 digits, since
 * `BigInt` of many is slow.
 */
function exactInteger(type: string, min: bigint, max: bigint): Decode<bigint> {
  return (value, path) => {
    const literal = isJsonNumber(value) ? value.number : ""
    if (!/^(?:0|-?[1-9]\d{0,19})$/.test(literal)) return refuse(path, `expected ${type}, found ${kind(value)}`)
    const integer = BigInt(literal)
    return integer >= min && integer <= max ? integer : refuse(path, `${literal} is out of range for ${type}`)
  }
}

function safeInteger(decode: Decode<bigint>): Decode<number> {
  return (value, path, rest) => {
    const integer = decode(value, path, rest)
    if (integer <= Number.MAX_SAFE_INTEGER) return Number(integer)
    const problem = describe(path, `${integer} is above 2^53 - 1 and has no exact number in JavaScript`)
    throw new Unreadable(fatal("number-unsafe", problem))
  }
}

function kind(value: JsonValue): string {
  if (value === null || typeof value === "boolean") return String(value)
  if (typeof value === "string") return `the string ${quote(value)}`
  if (isJsonNumber(value)) return `the number ${value.number.slice(0, 64)}`
  return isJsonObject(value) ? "an object" : "an array"
}
