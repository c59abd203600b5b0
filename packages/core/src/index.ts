/// <reference types="node" preserve="true" />

export type { Clock } from "./async/clock.js"
export {
  BackendError,
  type BackendErrorKind,
  type BackendErrorOptions,
  CheckpointError,
  type CheckpointErrorCode,
  type CheckpointErrorDetails,
} from "./errors.js"
export type { StoreEvent } from "./events.js"
export type { JsonArray, JsonNumber, JsonObject, JsonValue } from "./format/json.js"
export type { LayoutName } from "./format/layout.js"
export { manifestToJson, parseManifest } from "./format/manifest/decode.js"
export {
  type CheckpointManifest,
  type ConnectorOffsets,
  createManifest,
  decodeInline,
  inlineOperator,
  type ManifestInit,
  type NamedMap,
  type OperatorState,
  type SinkCommitStatus,
  type UnknownFields,
  type WriterStamp,
} from "./format/manifest/model.js"
export type { IssueCode, ValidationIssue } from "./format/manifest/validate.js"
export type { Pin } from "./history/pin.js"
export type { CheckpointSummary } from "./history/summary.js"
export type { RecoverOptions, Recovery, RecoveryFacts, Skipped } from "./recovery/recover.js"
export type { Restored, RestoreOptions } from "./recovery/restore.js"
export type { OrphanReport } from "./retention/orphans.js"
export type { PruneFailure, PruneReport, RetentionPolicy } from "./retention/prune.js"
export type { StateInfo, StateSource } from "./state/feed.js"
export type { Checkpoint, ReadStateOptions, StateReader } from "./state/reader.js"
export type {
  BackendClaim,
  Body,
  ByteIterable,
  CommitBatch,
  DeleteFailure,
  GetOptions,
  Leftover,
  ObjectBackend,
  ObjectContent,
  ObjectMeta,
  PutOptions,
  RequestOptions,
} from "./storage/backend.js"
export type { RetryOptions } from "./storage/retry.js"
export type {
  CheckpointStore,
  CollectOptions,
  OpenOptions,
  OperationOptions,
  Progress,
  ProgressOptions,
  PruneOptions,
  SaveOptions,
  SaveReceipt,
  StoreOptions,
  Verification,
  VerifyOptions,
} from "./store/api.js"
export type { TraceContext } from "./store/calls.js"
export { openCheckpointStore } from "./store/store.js"
export type { Depth } from "./verify/verify.js"
