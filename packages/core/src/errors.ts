/**
 * The kind of an error, for a program to branch on. Codes do not change; messages may.
 *
 * - `CKPT_CONFLICT`: the id has other content, or was pruned (which the directory layout does not remember). The id is burnt: take
 *   `nextId()`. A pin's name may be taken, too: see `pin`. An object: other bytes or another version are there.
 * - `CKPT_FENCED`: another writer has claimed the store. Stop writing. If this process should lead, call `claim()`, then recover
 *   on its store.
 * - `CKPT_UNKNOWN_OUTCOME`: nobody knows whether the write took effect; it may still become visible. Save the same manifest object
 *   again, or take `nextId()`. An object: make the same call again, or read it.
 * - `CKPT_CORRUPT`: stored bytes do not verify. `recover()` goes past them. An object: write it anew, or remove it.
 * - `CKPT_PRUNED`: retention removed the checkpoint while it was read or pinned. Recover again.
 * - `CKPT_NOT_FOUND`: `update`, `pin` or `open` of a checkpoint, or `replace` of an object, that does not exist; a pin or a sink that
 *   does not; or a checkpoint has no operator of that name.
 * - `CKPT_INVALID`: an argument cannot be used, the checkpoints are of the other layout, the ids are used up, a state that is read
 *   as JSON is none, or an SDK is missing. Nothing was written.
 * - `CKPT_UNSUPPORTED`: the storage does not do what the protocol rests on (conditional writes, for example), or storage and
 *   layout have no claims.
 * - `CKPT_TIMEOUT`: the storage did not answer within `timeoutMs`.
 * - `CKPT_READ_ONLY`: the call would write, and the store was opened with `readOnly`.
 * - `CKPT_CLOSED`: the store was closed.
 * - `CKPT_DENIED`: the storage refuses this process: its credentials or its permission do not reach, or the bucket or container
 *   does not exist. An alert, not a retry: somebody must mend it.
 * - `CKPT_FULL`: the disk is full, or a quota is used up. An alert, not a retry: free some space or raise the quota.
 * - `CKPT_IO`: the storage failed in another way; see `cause` and `retryable`.
 */
export type CheckpointErrorCode =
  | "CKPT_CONFLICT"
  | "CKPT_FENCED"
  | "CKPT_UNKNOWN_OUTCOME"
  | "CKPT_CORRUPT"
  | "CKPT_PRUNED"
  | "CKPT_NOT_FOUND"
  | "CKPT_INVALID"
  | "CKPT_UNSUPPORTED"
  | "CKPT_TIMEOUT"
  | "CKPT_READ_ONLY"
  | "CKPT_CLOSED"
  | "CKPT_DENIED"
  | "CKPT_FULL"
  | "CKPT_IO"

/** The fields of a {@link CheckpointError}, each present if it is known. */
export interface CheckpointErrorDetails {
  /** The checkpoint that the error is about. */
  checkpointId?: number | undefined
  /** The key of the object that the error is about. */
  key?: string | undefined
  /** The storage's name. */
  backend?: string | undefined
  /** For `CKPT_FENCED` of an update: true if the change stands, and the new leader has it. */
  applied?: boolean | undefined
  /** True if the same call may succeed later, unchanged. Default false. */
  retryable?: boolean | undefined
  /** The error behind this error, such as a {@link BackendError}. */
  cause?: unknown
}

// The brands are in the global symbol registry, so that one copy of this package recognises an error of another copy.
const checkpointErrorBrand = Symbol.for("@ckpt/core.CheckpointError")
const backendErrorBrand = Symbol.for("@ckpt/core.BackendError")

function isBranded(value: unknown, brand: symbol): boolean {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[brand] === true
}

/**
 * Every rejection of a store, with two exceptions: an abort (the signal's reason) and an error of the caller's own
 * code.
 */
export class CheckpointError extends Error {
  /** Always "CheckpointError". */
  override readonly name = "CheckpointError"
  readonly [checkpointErrorBrand] = true
  /** What happened, for a program to branch on. The message says it for people, with what to do next. */
  readonly code: CheckpointErrorCode
  /** The checkpoint that the error is about. Absent if it is about none, or none is known. */
  declare readonly checkpointId?: number
  /** The key of the object that the error is about, without the store's prefix. Absent if it is about none. */
  declare readonly key?: string
  /** The storage's name, such as "s3". Absent if no storage was asked. */
  declare readonly backend?: string
  /** For `CKPT_FENCED` of an update: true if the change stands, and the new leader has it. Absent otherwise. */
  declare readonly applied?: boolean
  /** True if the same call may succeed later, unchanged: an outage may pass. False if somebody must act first. */
  readonly retryable: boolean

  constructor(code: CheckpointErrorCode, message: string, details: CheckpointErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    if (details.checkpointId !== undefined) this.checkpointId = details.checkpointId
    if (details.key !== undefined) this.key = details.key
    if (details.backend !== undefined) this.backend = details.backend
    if (details.applied !== undefined) this.applied = details.applied
    this.retryable = details.retryable ?? false
  }

  /** `instanceof` asks for the brand, not the class, so it holds across two installed copies of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded(value, checkpointErrorBrand)
  }
}

/**
 * The meaning of a backend's failure. An adapter chooses one of these kinds, and nothing else; from the kind follow, in
 * core, retries, read-backs and the codes that users see.
 *
 * - `precondition`: the condition of the request does not hold (the key exists, the version is another, the range
 *   starts past the end). Nothing was changed.
 * - `ambiguous`: the write may or may not have taken effect (time-out, reset, a 5xx after the body was sent).
 * - `transient`: nothing was changed and the same request may succeed shortly (throttled, too many open files).
 * - `denied`: credentials or permissions do not reach, or the bucket or container does not exist: somebody must mend it.
 * - `full`: no room: the disk is full, or a quota is used up. Nothing was changed.
 * - `damaged`: the key holds something that is not an object (a symbolic link, a directory, a pipe), or its bytes fail
 *   the storage's own checksum. Only this key is damaged; the storage works.
 * - `unsupported`: the storage does not have what the request asks for (501, or "not implemented"). Nothing was changed, and the
 *   same request will fail again. Name what is missing, such as the header.
 * - `fenced`: another writer has claimed the storage. Nothing was changed.
 * - `permanent`: anything else; the same request will fail again (a wrong endpoint, a bad key).
 */
export type BackendErrorKind =
  | "precondition"
  | "ambiguous"
  | "transient"
  | "denied"
  | "full"
  | "damaged"
  | "unsupported"
  | "fenced"
  | "permanent"

/** The details of a {@link BackendError}. */
export interface BackendErrorOptions {
  /** The error of the SDK or the operating system. */
  cause?: unknown
  /** Milliseconds that the storage asks to wait before the next attempt: `Retry-After` (RFC 9110, section 10.2.3). */
  retryAfterMs?: number
  /**
   * For `ambiguous`. True if no reading of the key can settle the write, because it may be visible and still not be
   * durable (example: the sync of the directory failed after the rename). The caller gets `CKPT_UNKNOWN_OUTCOME` at
   * once.
   */
  unsettleable?: boolean
  /**
   * For a body that was read. True if its bytes do not have the checksum that the storage keeps for them. Core then
   * reads the object again from the start; if the checksum fails again, the object is damaged.
   */
  checksumMismatch?: boolean
}

/** The only error that a backend may reject with, except the reason of an aborted signal. */
export class BackendError extends Error {
  /** Always "BackendError". */
  override readonly name = "BackendError"
  readonly [backendErrorBrand] = true
  /** What the failure means. */
  readonly kind: BackendErrorKind
  /** Milliseconds that the storage asks to wait before the next attempt. Absent if it does not say. */
  declare readonly retryAfterMs?: number
  /** See {@link BackendErrorOptions.unsettleable}. */
  readonly unsettleable: boolean
  /** See {@link BackendErrorOptions.checksumMismatch}. */
  readonly checksumMismatch: boolean

  constructor(kind: BackendErrorKind, message: string, options: BackendErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs
    this.unsettleable = options.unsettleable ?? false
    this.checksumMismatch = options.checksumMismatch ?? false
  }

  /** Asks for the brand, as {@link CheckpointError} does. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded(value, backendErrorBrand)
  }
}

/** The same error with another kind, as a service's own code asks for where the status alone says less, and another message. */
export function withKind(error: BackendError, kind: BackendErrorKind, message = error.message): BackendError {
  const { cause, retryAfterMs, unsettleable, checksumMismatch } = error
  return new BackendError(kind, message, {
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    unsettleable,
    checksumMismatch,
  })
}
