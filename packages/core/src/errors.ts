/** What went wrong, for a program to branch on. Messages may change; codes do not. */
export type CheckpointErrorCode =
  /** The id is taken by other content, or was pruned (the directory layout does not note that). The id is burnt: take `nextId()`. */
  | "CKPT_CONFLICT"
  /** Another writer has claimed the store. Stop writing; recover, then claim if this process should lead. */
  | "CKPT_FENCED"
  /** The storage neither confirmed nor denied the write. It may become visible later. Nothing was cleaned up. */
  | "CKPT_UNKNOWN_OUTCOME"
  /** Stored bytes do not verify. */
  | "CKPT_CORRUPT"
  /** The checkpoint was removed by retention while it was being read. */
  | "CKPT_PRUNED"
  /** The operation needs a checkpoint that does not exist. */
  | "CKPT_NOT_FOUND"
  /** An argument cannot be used. Nothing was written. */
  | "CKPT_INVALID"
  /** The storage or the layout cannot do this safely. */
  | "CKPT_UNSUPPORTED"
  /** The storage did not answer in time. */
  | "CKPT_TIMEOUT"
  /** The call would write, and the store was opened with `readOnly`. */
  | "CKPT_READ_ONLY"
  /** The store was closed. */
  | "CKPT_CLOSED"
  /** The storage failed; see `cause` and `retryable`. */
  | "CKPT_IO"

export interface CheckpointErrorDetails {
  checkpointId?: number | undefined
  key?: string | undefined
  backend?: string | undefined
  /** True if the same call may succeed later without any change. */
  retryable?: boolean | undefined
  cause?: unknown
}

// Brands live in the global symbol registry so that an error made by one copy of this package is recognised by another.
const checkpointErrorBrand = Symbol.for("@ckpt/core.CheckpointError")
const backendErrorBrand = Symbol.for("@ckpt/core.BackendError")

function isBranded(value: unknown, brand: symbol): boolean {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[brand] === true
}

/** Every rejection of a store, except an abort, which rejects with the signal's reason. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError"
  readonly [checkpointErrorBrand] = true
  readonly code: CheckpointErrorCode
  declare readonly checkpointId?: number
  declare readonly key?: string
  declare readonly backend?: string
  readonly retryable: boolean

  constructor(code: CheckpointErrorCode, message: string, details: CheckpointErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    if (details.checkpointId !== undefined) this.checkpointId = details.checkpointId
    if (details.key !== undefined) this.key = details.key
    if (details.backend !== undefined) this.backend = details.backend
    this.retryable = details.retryable ?? false
  }

  /** `instanceof` asks for the brand, so it also holds across two installed copies of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded(value, checkpointErrorBrand)
  }
}

/**
 * What a backend's failure means for the operation that saw it. An adapter chooses one of these and nothing else;
 * retries, read-backs and the codes that users see follow from it in core.
 *
 * - `precondition`: the condition of the request does not hold (the key exists, the version is another, the range starts
 *   past the end). Nothing was changed.
 * - `ambiguous`: the write may or may not have taken effect (time-out, reset, a 5xx after the body was sent).
 * - `transient`: nothing was changed and the same request may succeed shortly (throttled, too many open files).
 * - `denied`: credentials or permissions.
 * - `damaged`: something is at the key that is not an object (a symbolic link, a directory, a pipe), or its bytes fail
 *   the storage's own checksum. The damage is that key's alone; the storage works.
 * - `fenced`: another writer has claimed the storage. Nothing was changed.
 * - `permanent`: anything else; the same request will fail again (disk full, no such bucket, a bad key).
 */
export type BackendErrorKind =
  | "precondition"
  | "ambiguous"
  | "transient"
  | "denied"
  | "damaged"
  | "fenced"
  | "permanent"

export interface BackendErrorOptions {
  cause?: unknown
  /** What the storage asked for in `Retry-After`, in milliseconds. */
  retryAfterMs?: number
  /**
   * For `ambiguous`: reading the key back proves nothing, because what is visible may still not be durable (a directory
   * sync failed after the rename). The caller is told `CKPT_UNKNOWN_OUTCOME` at once.
   */
  unsettleable?: boolean
  /**
   * For a body that was read: its bytes do not have the checksum that the storage has for them, so what was handed over
   * cannot be gone on with. Read again from the start; if it stays so, the object is damaged.
   */
  checksumMismatch?: boolean
}

/** The only error that a backend may reject with, apart from the reason of an aborted signal. */
export class BackendError extends Error {
  override readonly name = "BackendError"
  readonly [backendErrorBrand] = true
  readonly kind: BackendErrorKind
  declare readonly retryAfterMs?: number
  readonly unsettleable: boolean
  readonly checksumMismatch: boolean

  constructor(kind: BackendErrorKind, message: string, options: BackendErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs
    this.unsettleable = options.unsettleable ?? false
    this.checksumMismatch = options.checksumMismatch ?? false
  }

  /** See {@link CheckpointError}: the brand, not the class. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded(value, backendErrorBrand)
  }
}
