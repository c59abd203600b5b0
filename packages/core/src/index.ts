/// <reference types="node" preserve="true" />

export type { Clock } from "./async/clock.js"
export type { OwnBytes } from "./bytes/own-bytes.js"
export type { CopyOptions } from "./commit/copy.js"
export type { SaveOptions } from "./commit/prepare.js"
export type { SaveReceipt } from "./commit/save.js"
export { acceptCommitted } from "./commit/sinks.js"
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
export { createManifest } from "./format/manifest/check.js"
export { parseManifest } from "./format/manifest/decode.js"
export { manifestToJson } from "./format/manifest/encode.js"
export { decodeInline, inlineOperator } from "./format/manifest/inline.js"
export type { IssueCode, ValidationIssue } from "./format/manifest/issues.js"
export type {
  CheckpointManifest,
  ConnectorOffsets,
  GivenOffsets,
  ManifestInit,
  NamedMap,
  NextManifest,
  OperatorState,
  SinkCommitStatus,
  UnknownFields,
  WriterStamp,
} from "./format/manifest/model.js"
export type { Leadership } from "./history/leadership.js"
export type { ListOptions } from "./history/list.js"
export type { CheckpointList, CheckpointSummary } from "./history/summary.js"
export type { Pin } from "./history/view.js"
export type { OperationOptions, Progress, ProgressOptions } from "./options.js"
export type { CheckpointChoice, OpenCheckpointOptions, PinChoice } from "./recovery/open.js"
export type { ExhaustedReason, RecoverOptions, Recovery, RecoveryFacts, Skipped } from "./recovery/recovery.js"
export type { Restored, RestoreOptions } from "./recovery/restore.js"
export type { CollectOptions, OrphanReport } from "./retention/orphans.js"
export type { RetentionPolicy } from "./retention/policy.js"
export type { PruneOptions, PruneReport } from "./retention/prune.js"
export type { PruneFailure } from "./retention/remove.js"
export type { Checkpoint } from "./state/checkpoint.js"
export type { StateInfo } from "./state/feed.js"
export { json } from "./state/json.js"
export type { ReadStateOptions, StateReader } from "./state/reader.js"
export type { BytesSource, GivenSource, StateSource } from "./state/source.js"
export type {
  AnnounceOptions,
  BackendClaim,
  BackendClaimOptions,
  Body,
  Capabilities,
  ClaimedKeys,
  CommitBatch,
  Condition,
  DeleteFailure,
  GetOptions,
  Leftover,
  LeftoverOptions,
  ListRangeOptions,
  NowOptions,
  ObjectBackend,
  ObjectContent,
  ObjectMeta,
  OptionalParts,
  OtherWriter,
  ParallelRanges,
  PutOptions,
  RecyclingChunks,
  RequestOptions,
  UploadInParts,
  UploadPart,
} from "./storage/backend.js"
export type { RetryOptions } from "./storage/retry.js"
export type { StoragePlace } from "./storage/storage-place.js"
export type { CheckpointStore, LeaderStore, Opened, OpenOptions, StoreOperations } from "./store/api.js"
export type { TraceContext } from "./store/calls.js"
export { createCheckpointer } from "./store/checkpointer.js"
export type {
  Checkpointer,
  CheckpointerEvent,
  CheckpointerOptions,
  CheckpointerStore,
  CloseCheckpointerOptions,
  SavedSnapshot,
  Snapshot,
} from "./store/checkpointer-api.js"
export { type CopyReceipt, copyCheckpoint } from "./store/copy.js"
export { copyStore } from "./store/copy-store.js"
export type { CopyProgress, CopyReport, CopySkipped, CopyStoreOptions } from "./store/copy-store-api.js"
export { type FindLayoutsOptions, findLayouts } from "./store/find-layouts.js"
export { openObjects } from "./store/objects.js"
export type {
  CreatedObject,
  ListObjectsOptions,
  ObjectInfo,
  Objects,
  ObjectsOptions,
  ReplaceOptions,
  StoredObject,
} from "./store/objects-api.js"
export { openCheckpointStore } from "./store/open.js"
export type { ClaimAtOnce, StoreOptions } from "./store-options.js"
export type { Verification, VerifyDepth, VerifyOptions } from "./verify/verified.js"
