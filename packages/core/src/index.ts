/// <reference types="node" preserve="true" />

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
} from "./backend.js"
export type { TraceContext } from "./boundary.js"
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
} from "./checkpoint-store.js"
export type { Clock } from "./clock.js"
export {
  BackendError,
  type BackendErrorKind,
  type BackendErrorOptions,
  CheckpointError,
  type CheckpointErrorCode,
  type CheckpointErrorDetails,
} from "./errors.js"
export type { StoreEvent } from "./events.js"
export type { Depth } from "./examine.js"
export type { LayoutName } from "./layout.js"
export { manifestToJson, parseManifest } from "./manifest/codec.js"
export type { JsonArray, JsonNumber, JsonObject, JsonValue } from "./manifest/json.js"
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
} from "./manifest/schema.js"
export type { IssueCode, ValidationIssue } from "./manifest/validate.js"
export type { OrphanReport } from "./orphans.js"
export type { Pin } from "./pins.js"
export type { RecoverOptions, Recovery, RecoveryFacts, Skipped } from "./recover.js"
export type { Restored, RestoreOptions } from "./restore.js"
export type { PruneFailure, PruneReport, RetentionPolicy } from "./retention.js"
export type { RetryOptions } from "./retry.js"
export type { Checkpoint, ReadStateOptions, StateReader } from "./state-reader.js"
export type { StateInfo, StateSource } from "./state-source.js"
export { openCheckpointStore } from "./store.js"
export type { CheckpointSummary } from "./summary.js"
