import { BackendError, type BackendErrorKind, CheckpointError } from "@ckpt/core"
import { httpError, withKind } from "@ckpt/core/adapter"

/** Every S3 operation that this package uses, and the IAM action that it needs. */
const actions = {
  PutObject: "s3:PutObject",
  CreateMultipartUpload: "s3:PutObject",
  UploadPart: "s3:PutObject",
  CompleteMultipartUpload: "s3:PutObject",
  AbortMultipartUpload: "s3:AbortMultipartUpload",
  ListMultipartUploads: "s3:ListBucketMultipartUploads",
  ListParts: "s3:ListMultipartUploadParts",
  GetObject: "s3:GetObject",
  HeadObject: "s3:GetObject",
  ListObjectsV2: "s3:ListBucket",
  DeleteObjects: "s3:DeleteObject",
} as const

export type Operation = keyof typeof actions

export interface FailedRequest {
  readonly operation: Operation
  readonly bucket: string
  /** Absent for a request about the whole bucket. */
  readonly key?: string | undefined
  /** The header of the request's condition, if it has one. */
  readonly condition?: "If-None-Match" | "If-Match" | undefined
  /** Becomes true when the request is made, if it carries bytes that are not signed. */
  isUnsigned?: boolean
}

/** The fields of an error of the SDK that are read. */
interface SdkError {
  readonly name?: string
  readonly message?: string
  /** S3's own code. */
  readonly Code?: string
  /** Node's code. */
  readonly code?: string
  /** The expected region; only in an AuthorizationHeaderMalformed. */
  readonly Region?: string
  /** The header that the store does not know; only in a NotImplemented. */
  readonly Header?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

interface Meaning {
  readonly kind: BackendErrorKind
  readonly advice?: string
}

/**
 * S3's own code of an error; empty if there is none. For an answer without a body the SDK makes up a name, which is no
 * code.
 */
export function codeOf(error: unknown): string {
  const { Code, name } = (error ?? {}) as SdkError
  const code = Code ?? name ?? ""
  return ["Unknown", "UnknownError", "NotFound", "Error", "S3ServiceException"].includes(code) ? "" : code
}

export function statusOf(error: unknown): number | undefined {
  return (error as SdkError | undefined)?.$metadata?.httpStatusCode
}

/**
 * Whether the answer came from a storage, not from a proxy: S3 and the stores like it put a request id on every answer.
 */
export function isAnsweredByS3(error: unknown): boolean {
  return (error as SdkError | undefined)?.$response?.headers?.["x-amz-request-id"] !== undefined
}

const reads = new Set<Operation>(["GetObject", "HeadObject", "ListObjectsV2", "ListMultipartUploads", "ListParts"])

/**
 * The error for an answer of success that lacks a required field: it was cut off, or it is an error with status 200.
 */
export function unreadable(operation: Operation, key: string): BackendError {
  const kind = reads.has(operation) ? "transient" : "ambiguous"
  return new BackendError(
    kind,
    `${operation} of ${key} was answered with success, but the answer lacks a required field`,
  )
}

/** The SDK's error as a `BackendError`, whose kind says what became of the request. */
export function requestError(error: unknown, request: FailedRequest): BackendError {
  if (error instanceof BackendError) return error
  const { operation, bucket, key } = request
  const { message, $response } = (error ?? {}) as SdkError
  const status = statusOf(error)
  const code = codeOf(error)
  const write = !reads.has(operation)
  const general = httpError(
    `${operation} of ${key === undefined ? "" : `${key} in `}bucket ${bucket}`,
    {
      status,
      code: status === undefined ? ((error as SdkError | undefined)?.code ?? code) : code,
      message: message === "UnknownError" ? undefined : message,
      retryAfter: $response?.headers?.["retry-after"],
      cause: error,
    },
    { write },
  )
  // The SDK checks the CRC of whole objects while they are read.
  if (status === undefined && message?.startsWith("Checksum mismatch")) {
    return new BackendError("transient", `${operation} of ${key}: ${message}`, { cause: error, checksumMismatch: true })
  }
  const { kind, advice } = meaningOf(error as SdkError, general.kind, request)
  return withKind(general, kind, advice === undefined ? general.message : `${general.message}. ${advice}`)
}

// Nothing was changed, and another try may succeed: the body arrived damaged or too slowly; or the bucket is so new
// that its name still leads elsewhere; or another request for the same key was under way.
const passing = new Set([
  "BadDigest",
  "ConcurrentModification",
  "ConditionalRequestConflict",
  "IncompleteBody",
  "OperationAborted",
  "RequestTimeout",
  "TemporaryRedirect",
  "XAmzContentChecksumMismatch",
  "XAmzContentSHA256Mismatch",
])
const wrongRegion = new Set(["AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"])
const expired = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidToken",
  "RequestExpired",
  "TokenRefreshRequired",
])
const wrongKey = new Set(["InvalidAccessKeyId", "SignatureDoesNotMatch"])

/** Kind and advice by S3's own code, where the code says more than the status. */
function meaningOf(error: SdkError, kind: BackendErrorKind, request: FailedRequest): Meaning {
  const { bucket } = request
  const status = statusOf(error)
  const code = codeOf(error)
  if (status === undefined) return unsentMeaning(error, kind)
  if (passing.has(code)) return { kind: "transient" }
  if (code === "NoSuchBucket") {
    const advice = `Bucket ${bucket} does not exist at this endpoint: create it, or correct bucket, region or endpoint.`
    return { kind: "denied", advice }
  }
  const region = error.Region ?? error.$response?.headers?.["x-amz-bucket-region"]
  if (wrongRegion.has(code) || status === 301 || (status === 400 && code === "" && region !== undefined)) {
    const where = region === undefined ? "another region than the client" : `region ${region}`
    const advice = `Bucket ${bucket} is in ${where}: give ${region === undefined ? "its region" : `region: "${region}"`} when opening the store.`
    return { kind: "permanent", advice }
  }
  // The SDK took the storage's time from this answer, and signs later requests by that time.
  if (code === "RequestTimeTooSkewed") {
    return { kind: "transient", advice: "The clock of this machine is wrong by minutes: set it (NTP)." }
  }
  if (expired.has(code)) return { kind: "denied", advice: "The credentials are no longer valid: renew them." }
  if (wrongKey.has(code)) {
    return { kind: "denied", advice: "The access key is unknown or its secret is wrong: correct the credentials." }
  }
  if (kind === "unsupported" || code === "NotImplemented" || /\bnot implemented\b/i.test(error.message ?? "")) {
    const header = error.Header ?? request.condition
    const advice = header === undefined ? undefined : `This store does not implement the header ${header}.`
    return { kind: "unsupported", ...(advice === undefined ? {} : { advice }) }
  }
  if (/quota/i.test(code)) {
    return {
      kind: "full",
      advice: "The quota of the bucket or its owner is used up: raise it, or remove objects.",
    }
  }
  if (code === "InvalidObjectState") {
    return {
      kind: "permanent",
      advice: "The object was moved to an archive: restore it, and exclude checkpoints from the lifecycle rule.",
    }
  }
  // An earlier try completed the upload, or a collector gave it up. Its parts need not be tried again: core reads back.
  if (code === "NoSuchUpload") {
    return {
      kind: "precondition",
      advice: "The upload was completed, or given up by a collection or a lifecycle rule.",
    }
  }
  if (status === 416) return { kind: "precondition" }
  if (kind === "denied") return { kind, advice: permissionAdvice(request) }
  return { kind }
}

/**
 * Kind and advice of a failure before anything was sent. Without this, a wrong setting would count as a broken network,
 * and the request would be tried again.
 */
function unsentMeaning(error: SdkError, kind: BackendErrorKind): Meaning {
  const { name = "", message = "", code = "" } = error ?? {}
  if (name === "CredentialsProviderError" || name === "TokenProviderError") {
    const advice = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role, or pass `credentials`."
    return { kind: "denied", advice }
  }
  if (message.startsWith("Region is missing")) {
    return { kind: "permanent", advice: "Set AWS_REGION or pass `region`." }
  }
  if (
    name === "EndpointError" ||
    name === "InvalidBucketName" ||
    /^Region not accepted|^Invalid Configuration/.test(message)
  ) {
    return { kind: "permanent", advice: "Correct bucket, region or endpoint." }
  }
  if (code.startsWith("ERR_TLS_") || code.includes("CERT") || code === "UNABLE_TO_VERIFY_LEAF_SIGNATURE") {
    return {
      kind: "permanent",
      advice: "The endpoint's certificate is not trusted: correct the endpoint or its certificate.",
    }
  }
  return { kind }
}

function permissionAdvice({ operation, bucket, key, isUnsigned }: FailedRequest): string {
  const action = actions[operation]
  const arn = `arn:aws:s3:::${bucket}`
  // For an absent key S3 answers 403, not 404, if the caller may not list.
  if (action === "s3:GetObject") return `Allow ${action} on ${arn}/${key}, and s3:ListBucket on ${arn}.`
  const allow = `Allow ${action} on ${key === undefined ? arn : `${arn}/${key}`}.`
  return isUnsigned ? `${allow} If a policy forbids unsigned payloads, pass signPayload: true.` : allow
}

const passingDelete = new Set(["InternalError", "OperationAborted", "ServiceUnavailable", "SlowDown"])

/** The error of one key in the answer to `DeleteObjects`. */
export function deleteError(
  failure: { readonly Code?: string | undefined; readonly Message?: string | undefined },
  request: FailedRequest,
): BackendError {
  const { Code = "", Message } = failure
  const detail = [Code, Message].filter(Boolean).join(": ")
  const what = `DeleteObjects of ${request.key} in bucket ${request.bucket} failed${detail === "" ? "" : ` (${detail})`}`
  if (Code === "AccessDenied") return new BackendError("denied", `${what}. ${permissionAdvice(request)}`)
  return new BackendError(passingDelete.has(Code) ? "ambiguous" : "permanent", what)
}

/** The error for options that cannot be used. */
export function invalid(message: string): CheckpointError {
  return new CheckpointError("CKPT_INVALID", message, { backend: "s3" })
}
