import { isSha256 } from "../../bytes/sha256.js"
import { CheckpointError } from "../../errors.js"
import { didYouMean } from "../../input/check-options.js"
import { listed, quote, show } from "../../input/show.js"
import { describe, isWellFormed, type JsonPath } from "../json.js"
import { byUtf8 } from "../utf8-order.js"
import { isBase64 } from "./inline.js"
import {
  type CheckpointManifest,
  type ConnectorOffsets,
  DEFAULT_VNODE_COUNT,
  emptyRecord,
  MANIFEST_VERSION,
  type ManifestInit,
  type OperatorState,
  type SinkCommitStatus,
  type UnknownFields,
  type WriterStamp,
} from "./model.js"

/**
 * A new manifest; maps and arrays are copied. Defaults: `version` 1, `timestampMs` now, `vnodeCount` 256, `epoch` of offsets
 * that of the manifest, everything else empty or null.
 *
 * @throws {CheckpointError} `CKPT_INVALID`, with the field's path, for a value that cannot be stored exactly
 */
export function createManifest(init: ManifestInit): CheckpointManifest {
  const given = fields(init, [], manifestKeys)
  const full: Record<string, unknown> = {
    version: MANIFEST_VERSION,
    timestampMs: Date.now(),
    vnodeCount: DEFAULT_VNODE_COUNT,
    sourceNames: [],
    sinkNames: [],
  }
  for (const key of mapKeys) full[key] = {}
  for (const key of Object.keys(given)) if (given[key] !== undefined) full[key] = given[key]
  integer(full.checkpointId, ["checkpointId"], Number.MAX_SAFE_INTEGER, 1)
  integer(full.epoch, ["epoch"], Number.MAX_SAFE_INTEGER, 1)
  for (const key of offsetKeys) full[key] = withEpoch(full[key], full.epoch)
  const manifest = checkManifest(full)
  assertLabels(manifest)
  return manifest
}

const offsetKeys = ["sourceOffsets", "tableOffsets"] as const

/** What is no map of offsets is left as it is, for the check that follows. */
function withEpoch(given: unknown, epoch: unknown): unknown {
  if (!isObject(given)) return given
  const copy = emptyRecord<unknown>()
  for (const [name, offsets] of Object.entries(given))
    copy[name] = isObject(offsets) && offsets["epoch"] === undefined ? { ...offsets, epoch } : offsets
  return copy
}

const mostLabels = 64
const longestName = 128
const longestValue = 1_024

/**
 * The limits of labels, for a manifest that is about to be written. A manifest that was read may be beyond them.
 *
 * @throws {CheckpointError} `CKPT_INVALID` with the label's path
 */
export function assertLabels({ labels = {} }: Pick<CheckpointManifest, "labels">): void {
  const names = Object.keys(labels)
  if (names.length > mostLabels) invalid(["labels"], `has ${names.length} labels, more than ${mostLabels}`)
  for (const name of names) {
    const path = ["labels", name]
    const bytes = Buffer.byteLength(name)
    if (bytes < 1 || bytes > longestName) invalid(path, `a name has 1 to ${longestName} bytes, not ${bytes}`)
    const length = Buffer.byteLength(labels[name] as string)
    if (length > longestValue)
      invalid(path, `has ${length} bytes, more than ${longestValue}; put what is longer into the state`)
  }
}

/**
 * A checked copy, which can be written and is read back equal. Id and epoch may be 0 here, since such a manifest can be
 * read; a store refuses to save it.
 *
 * @throws {CheckpointError} `CKPT_INVALID` with the field's path
 */
export function checkManifest(manifest: unknown): CheckpointManifest {
  const m = fields(manifest, [], manifestKeys)
  const [missing, ...more] = requiredKeys.filter((key) => m[key] === undefined)
  if (missing !== undefined) {
    const too = more.length > 0 ? `, and so ${more.length > 1 ? "are" : "is"} ${listed(more)}` : ""
    invalid([missing], `is missing${too}. Make the manifest with createManifest().`)
  }
  return {
    version: integer(m.version, ["version"], 2 ** 32 - 1),
    checkpointId: integer(m.checkpointId, ["checkpointId"]),
    epoch: integer(m.epoch, ["epoch"]),
    timestampMs: integer(m.timestampMs, ["timestampMs"]),
    sourceOffsets: record(m.sourceOffsets, ["sourceOffsets"], connectorOffsets),
    sinkEpochs: record(m.sinkEpochs, ["sinkEpochs"], (value, path) => integer(value, path)),
    sinkCommitStatuses: record(m.sinkCommitStatuses, ["sinkCommitStatuses"], sinkCommitStatus),
    tableOffsets: record(m.tableOffsets, ["tableOffsets"], connectorOffsets),
    operatorStates: record(m.operatorStates, ["operatorStates"], operatorState),
    tableStoreCheckpointPath: orNull(m.tableStoreCheckpointPath, ["tableStoreCheckpointPath"], text),
    watermark: orNull(m.watermark, ["watermark"], signed),
    sourceWatermarks: record(m.sourceWatermarks, ["sourceWatermarks"], signed),
    sourceNames: names(m.sourceNames, ["sourceNames"]),
    sinkNames: names(m.sinkNames, ["sinkNames"]),
    pipelineHash: orNull(m.pipelineHash, ["pipelineHash"], unsigned),
    vnodeCount: integer(m.vnodeCount, ["vnodeCount"], 65_535),
    stateChecksum: orNull(m.stateChecksum, ["stateChecksum"], sha256Hex),
    ...optional("stateSize", m.stateSize, (value, path) => integer(value, path)),
    ...optional("operatorChecksums", m.operatorChecksums, (value, path) => record(value, path, sha256Hex)),
    ...optional("labels", m.labels, (value, path) => record(value, path, text)),
    ...optional("writer", m.writer, writerStamp),
    ...optional("updateToken", m.updateToken, text),
    ...optional("seen", m.seen, (value, path) => integer(value, path)),
    ...optional("unknownFields", m.unknownFields, unknownFields),
  }
}

const mapKeys = [
  "sourceOffsets",
  "sinkEpochs",
  "sinkCommitStatuses",
  "tableOffsets",
  "operatorStates",
  "sourceWatermarks",
] as const satisfies readonly (keyof CheckpointManifest)[]
/** Every manifest that `createManifest` or `load` gave has them. */
const requiredKeys = [
  "version",
  "checkpointId",
  "epoch",
  "timestampMs",
  ...mapKeys,
  "sourceNames",
  "sinkNames",
  "vnodeCount",
]
/** The names of all fields. */
export const manifestKeys: ReadonlySet<string> = new Set([
  ...["version", "checkpointId", "epoch", "timestampMs", ...mapKeys, "tableStoreCheckpointPath", "watermark"],
  ...["sourceNames", "sinkNames", "pipelineHash", "vnodeCount", "stateChecksum"],
  ...["stateSize", "operatorChecksums", "labels", "writer", "updateToken", "seen", "unknownFields"],
])
const connectorKeys = new Set(["epoch", "offsets", "metadata", "unknownFields"])
const operatorKeys = new Set(["stateB64", "external", "externalOffset", "externalLength", "unknownFields"])
const writerKeys = new Set(["epoch", "id", "unknownFields"])

function connectorOffsets(value: unknown, path: JsonPath): ConnectorOffsets {
  const advice = 'must be an object with offsets, such as { offsets: { "0": 1042 } }'
  if (!isObject(value)) return invalid(path, `${advice}, not ${show(value)}`)
  if (value["offsets"] === undefined) return invalid(path, `has no offsets; it ${advice}`)
  const c = fields(value, path, connectorKeys)
  return {
    epoch: integer(c.epoch, [...path, "epoch"]),
    offsets: record(c.offsets, [...path, "offsets"], offset),
    metadata: record(c.metadata === undefined ? {} : c.metadata, [...path, "metadata"], text),
    ...optional("unknownFields", c.unknownFields, unknownFields, path),
  }
}

function operatorState(value: unknown, path: JsonPath): OperatorState {
  const {
    stateB64,
    external = false,
    externalOffset = 0,
    externalLength = 0,
    ...rest
  } = fields(value, path, operatorKeys)
  if (typeof external !== "boolean") invalid([...path, "external"], `must be a boolean, not ${show(external)}`)
  return {
    stateB64: orNull(stateB64, [...path, "stateB64"], base64),
    external,
    externalOffset: integer(externalOffset, [...path, "externalOffset"]),
    externalLength: integer(externalLength, [...path, "externalLength"]),
    ...optional("unknownFields", rest.unknownFields, unknownFields, path),
  }
}

function sinkCommitStatus(value: unknown, path: JsonPath): SinkCommitStatus {
  const { status, message } = fields(value, path, new Set(["status", "message"]))
  if (status === "failed") return { status, message: text(message, [...path, "message"]) }
  if (status !== "pending" && status !== "committed") {
    invalid([...path, "status"], `must be "pending", "committed" or "failed", not ${show(status)}`)
  }
  if (message !== undefined) invalid([...path, "message"], `belongs to the status "failed" only`)
  return { status }
}

function writerStamp(value: unknown, path: JsonPath): WriterStamp {
  const w = fields(value, path, writerKeys)
  return {
    epoch: integer(w.epoch, [...path, "epoch"]),
    id: text(w.id, [...path, "id"]),
    ...optional("unknownFields", w.unknownFields, unknownFields, path),
  }
}

/** Checks the outer shape only. The values are checked when they are printed. */
function unknownFields(value: unknown, path: JsonPath): UnknownFields {
  if (!(value instanceof Map)) invalid(path, `must be a Map as read from a manifest, not ${show(value)}`)
  for (const key of value.keys()) text(key, path)
  return value as UnknownFields
}

type Check<T> = (value: unknown, path: JsonPath) => T

/**
 * A key that is no field of the manifest is an error. It may be misspelt, and to drop it would lose data without a
 * word.
 */
function fields(value: unknown, path: JsonPath, known: ReadonlySet<string>): Record<string, unknown> {
  const object = plain(value, path)
  for (const key of Object.keys(object)) {
    if (!known.has(key)) invalid([...path, key], `is not a field of the manifest${didYouMean(key, [...known])}`)
  }
  return object
}

function record<T>(value: unknown, path: JsonPath, check: Check<T>): Record<string, T> {
  const object = plain(value, path)
  const copy = emptyRecord<T>()
  for (const key of Object.keys(object)) copy[text(key, path)] = check(object[key], [...path, key])
  return copy
}

/**
 * Refuses a Map: it has no own keys, and would be stored as `{}`.
 */
function plain(value: unknown, path: JsonPath): Record<string, unknown> {
  if (isObject(value)) return value
  return invalid(path, `must be a plain object, not ${show(value)}${path.length === 0 ? adviceOn(value) : ""}`)
}

/** The tag tells a Map apart, also if it is of another realm. */
function isObject(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Object]"
}

function adviceOn(value: unknown): string {
  return value instanceof Promise ? "; await it first" : "; make it with createManifest({ checkpointId, epoch })"
}

function names(value: unknown, path: JsonPath): string[] {
  if (!Array.isArray(value)) invalid(path, `must be an array of strings, not ${show(value)}`)
  return Array.from(value as unknown[], (name, index) => text(name, [...path, index])).sort(byUtf8)
}

function optional<K extends string, T>(key: K, value: unknown, check: Check<T>, path: JsonPath = []): { [P in K]?: T } {
  return value === undefined ? {} : ({ [key]: check(value, [...path, key]) } as { [P in K]?: T })
}

function orNull<T>(value: unknown, path: JsonPath, check: Check<T>): T | null {
  return value === null || value === undefined ? null : check(value, path)
}

function text(value: unknown, path: JsonPath): string {
  if (typeof value !== "string") return invalid(path, `must be a string, not ${show(value)}`)
  return isWellFormed(value) ? value : invalid(path, `holds a lone surrogate: ${quote(value)}`)
}

/** Text of the connector's own, which is nearly always a whole number. */
function offset(value: unknown, path: JsonPath): string {
  if (typeof value === "bigint") return String(value)
  if (typeof value === "string") return text(value, path)
  if (typeof value !== "number")
    return invalid(path, `must be text, a bigint or an exact whole number, not ${show(value)}`)
  if (Number.isSafeInteger(value)) return String(value)
  const why = Number.isInteger(value) ? ": it is beyond 2^53 - 1 and may have lost digits" : ""
  return invalid(path, `must be text, a bigint or an exact whole number, not the number ${value}${why}`)
}

function base64(value: unknown, path: JsonPath): string {
  const b64 = text(value, path)
  return isBase64(b64) ? b64 : invalid(path, "must be base64 with padding; use inlineOperator(bytes)")
}

function sha256Hex(value: unknown, path: JsonPath): string {
  const hex = text(value, path)
  return isSha256(hex) ? hex : invalid(path, `must be 64 lower-case hex digits, not ${quote(hex)}`)
}

function integer(value: unknown, path: JsonPath, max = Number.MAX_SAFE_INTEGER, min = 0): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value || 0
  return invalid(path, `must be an integer number from ${min} to ${max}, not ${show(value)}`)
}

function signed(value: unknown, path: JsonPath): bigint {
  return bigint(value, path, -(2n ** 63n), 2n ** 63n - 1n)
}

function unsigned(value: unknown, path: JsonPath): bigint {
  return bigint(value, path, 0n, 2n ** 64n - 1n)
}

function bigint(value: unknown, path: JsonPath, min: bigint, max: bigint): bigint {
  if (typeof value === "bigint" && value >= min && value <= max) return value
  const hint = typeof value === "number" && Number.isSafeInteger(value) ? `: use ${value}n` : ""
  return invalid(path, `must be a bigint from ${min} to ${max}, not ${show(value)}${hint}`)
}

function invalid(path: JsonPath, problem: string): never {
  throw new CheckpointError("CKPT_INVALID", `manifest: ${describe(path, problem)}`)
}
