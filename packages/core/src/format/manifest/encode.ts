import { sha256 } from "../../bytes/sha256.js"
import { CheckpointError } from "../../errors.js"
import { quote } from "../../input/show.js"
import { JsonError, type JsonValue, printJson } from "../json.js"
import { byUtf8 } from "../utf8-order.js"
import { checkManifest } from "./check.js"
import {
  type CheckpointManifest,
  type ConnectorOffsets,
  MAX_MANIFEST_BYTES,
  type NamedMap,
  type OperatorState,
  type SinkCommitStatus,
  type UnknownFields,
  type WriterStamp,
} from "./model.js"
import { CHECKSUM_KEY, checksumTail, NO_CHECKSUM, TAIL_LENGTH } from "./seal.js"

/**
 * The most bytes that a save or an update may write. What is left up to {@link MAX_MANIFEST_BYTES} is for the mark of a leader that
 * recovers the checkpoint: a manifest without room for it would be passed over.
 */
const maxWrittenBytes = MAX_MANIFEST_BYTES - 256

/**
 * The stored form of a manifest: UTF-8, map keys and names sorted, `manifest_checksum` last. Equal manifests are equal
 * bytes.
 *
 * @param limit the most bytes
 * @throws {CheckpointError} `CKPT_INVALID`, with the field's path, for a value that would not be read back equal
 */
export function encodeManifest(manifest: CheckpointManifest, limit = maxWrittenBytes): Uint8Array {
  const json = toJson(checkManifest(manifest))
  json.set(CHECKSUM_KEY, NO_CHECKSUM)
  let text: string
  try {
    text = printJson(json, limit)
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw new CheckpointError("CKPT_INVALID", `manifest: ${error.message}`, { cause: error })
  }
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > limit) {
    const sizes = `${bytes.length} bytes, more than ${limit}`
    throw new CheckpointError("CKPT_INVALID", `manifest: ${sizes}; give large operator state as external`)
  }
  // The checksum's field is ASCII and has a fixed length, so it is written over the placeholder.
  const covered = bytes.length - TAIL_LENGTH
  new TextEncoder().encodeInto(checksumTail(sha256(bytes.subarray(0, covered))), bytes.subarray(covered))
  return bytes
}

/**
 * The stored form of a manifest, as text. (`JSON.stringify` cannot write a manifest: it throws for bigints.)
 *
 * @throws {CheckpointError} `CKPT_INVALID`, with the field's path, for a value that would not be read back equal
 */
export function manifestToJson(manifest: CheckpointManifest): string {
  return new TextDecoder().decode(encodeManifest(manifest, MAX_MANIFEST_BYTES))
}

// ---- writing

const number = (value: number | bigint): JsonValue => ({ number: String(value) })

function toJson(m: CheckpointManifest): Map<string, JsonValue> {
  const writer = m.writer
  return withUnknown(m.unknownFields, [
    ["version", number(m.version)],
    ["checkpoint_id", number(m.checkpointId)],
    ["epoch", number(m.epoch)],
    ["timestamp_ms", number(m.timestampMs)],
    ["source_offsets", sorted(m.sourceOffsets, connectorToJson)],
    ["sink_epochs", sorted(m.sinkEpochs, number)],
    ["sink_commit_statuses", sorted(m.sinkCommitStatuses, statusToJson)],
    ["table_offsets", sorted(m.tableOffsets, connectorToJson)],
    ["operator_states", sorted(m.operatorStates, operatorToJson)],
    ["table_store_checkpoint_path", m.tableStoreCheckpointPath],
    ["watermark", m.watermark === null ? null : number(m.watermark)],
    ["source_watermarks", sorted(m.sourceWatermarks, number)],
    ["source_names", m.sourceNames],
    ["sink_names", m.sinkNames],
    ["pipeline_hash", m.pipelineHash === null ? null : number(m.pipelineHash)],
    ["vnode_count", number(m.vnodeCount)],
    ["state_checksum", m.stateChecksum],
    ["state_size", m.stateSize === undefined ? undefined : number(m.stateSize)],
    ["operator_checksums", m.operatorChecksums && sorted(m.operatorChecksums, (hex) => hex)],
    ["labels", m.labels && sorted(m.labels, (label) => label)],
    ["writer", writer && writerToJson(writer)],
    ["update_token", m.updateToken],
    ["seen", m.seen === undefined ? undefined : number(m.seen)],
    [CHECKSUM_KEY, undefined],
  ])
}

function connectorToJson(c: ConnectorOffsets): JsonValue {
  return withUnknown(c.unknownFields, [
    ["offsets", sorted(c.offsets, (offset) => offset)],
    ["epoch", number(c.epoch)],
    ["metadata", sorted(c.metadata ?? {}, (value) => value)],
  ])
}

function operatorToJson(o: OperatorState): JsonValue {
  return withUnknown(o.unknownFields, [
    ["state_b64", o.stateB64],
    ["external", o.external],
    ["external_offset", number(o.externalOffset)],
    ["external_length", number(o.externalLength)],
  ])
}

function writerToJson(w: WriterStamp): JsonValue {
  return withUnknown(w.unknownFields, [
    ["epoch", number(w.epoch)],
    ["id", w.id],
  ])
}

function statusToJson(s: SinkCommitStatus): JsonValue {
  if (s.status === "failed") return new Map([["Failed", s.message]])
  return s.status === "pending" ? "Pending" : "Committed"
}

/**
 * Known fields, then unknown fields; `undefined` is left out. An unknown field must not have the name of any known
 * field.
 */
function withUnknown(
  unknown: UnknownFields | undefined,
  known: [string, JsonValue | undefined][],
): Map<string, JsonValue> {
  const json = new Map<string, JsonValue>()
  for (const [key, value] of known) if (value !== undefined) json.set(key, value)
  if (unknown === undefined) return json
  const taken = new Set(known.map(([key]) => key))
  for (const [key, value] of unknown) {
    if (taken.has(key)) throw new CheckpointError("CKPT_INVALID", `manifest: ${quote(key)} is not an unknown field`)
    json.set(key, value)
  }
  return json
}

function sorted<T>(map: NamedMap<T>, toValue: (value: T) => JsonValue): JsonValue {
  const json = new Map<string, JsonValue>()
  for (const key of Object.keys(map).sort(byUtf8)) json.set(key, toValue(map[key] as T))
  return json
}
