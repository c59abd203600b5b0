import { BackendError, type BackendErrorKind, CheckpointError } from "@ckpt/core"
import { httpError, withKind } from "@ckpt/core/adapter"

/** The S3 operations that are used, with the IAM action that each needs. */
const actions = {
  PutObject: "s3:PutObject",
  CreateMultipartUpload: "s3:PutObject",
  UploadPart: "s3:PutObject",
  CompleteMultipartUpload: "s3:PutObject",
  AbortMultipartUpload: "s3:AbortMultipartUpload",
  ListMultipartUploads: "s3:ListBucketMultipartUploads",
  GetObject: "s3:GetObject",
  HeadObject: "s3:GetObject",
  ListObjectsV2: "s3:ListBucket",
  DeleteObjects: "s3:DeleteObject",
} as const

export type Operation = keyof typeof actions

export interface FailedRequest {
  readonly operation: Operation
  readonly bucket: string
  /** Absent for a request that concerns the bucket. */
  readonly key?: string | undefined
}

/** What the SDK throws, as far as it is looked at. */
interface SdkError {
  readonly name?: string
  readonly message?: string
  /** S3's own code. */
  readonly Code?: string
  /** Node's code. */
  readonly code?: string
  /** Of AuthorizationHeaderMalformed: the region that was expected. */
  readonly Region?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

interface Meaning {
  readonly kind: BackendErrorKind
  readonly advice?: string
}

/** S3's code, also of an answer without a body, where the SDK makes up a name. Empty if there is none. */
export function codeOf(error: unknown): string {
  const { Code, name } = (error ?? {}) as SdkError
  const code = Code ?? name ?? ""
  return ["Unknown", "UnknownError", "NotFound", "Error", "S3ServiceException"].includes(code) ? "" : code
}

export function statusOf(error: unknown): number | undefined {
  return (error as SdkError | undefined)?.$metadata?.httpStatusCode
}

/** Whether the answer bears the mark that S3 and its kin put on each of theirs. */
export function isAnsweredByS3(error: unknown): boolean {
  return (error as SdkError | undefined)?.$response?.headers?.["x-amz-request-id"] !== undefined
}

const reads = new Set<Operation>(["GetObject", "HeadObject", "ListObjectsV2", "ListMultipartUploads"])

/** An answer of success without what it must hold: cut, or an error that came with status 200. */
export function unreadable(operation: Operation, key: string): BackendError {
  const kind = reads.has(operation) ? "transient" : "ambiguous"
  return new BackendError(kind, `${operation} of ${key} was answered without what the answer must hold`)
}

/** What the SDK threw, as what it means for the request. */
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

// A body that did not arrive as it was sent, or too slowly; a bucket so new that its name leads elsewhere; another request
// for the same key at the same time. Nothing was changed, and another try may do.
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

/** Where S3 says more than the status does. */
function meaningOf(error: SdkError, kind: BackendErrorKind, request: FailedRequest): Meaning {
  const { bucket } = request
  const status = statusOf(error)
  const code = codeOf(error)
  if (status === undefined) return unsentMeaning(error, kind)
  if (passing.has(code)) return { kind: "transient" }
  if (code === "NoSuchBucket") {
    const advice = `Bucket ${bucket} does not exist at this endpoint: create it, or correct bucket, region or endpoint.`
    return { kind: "permanent", advice }
  }
  const region = error.Region ?? error.$response?.headers?.["x-amz-bucket-region"]
  if (wrongRegion.has(code) || status === 301 || (status === 400 && code === "" && region !== undefined)) {
    const where = region === undefined ? "another region than the client" : `region ${region}`
    const advice = `Bucket ${bucket} is in ${where}: give ${region === undefined ? "its region" : `region: "${region}"`} when opening the store.`
    return { kind: "permanent", advice }
  }
  // The SDK has taken the storage's time from this answer and signs with it from now on.
  if (code === "RequestTimeTooSkewed") {
    return { kind: "transient", advice: "The clock of this machine is wrong by minutes: set it (NTP)." }
  }
  if (expired.has(code)) return { kind: "denied", advice: "The credentials are no longer valid: renew them." }
  if (wrongKey.has(code)) {
    return { kind: "denied", advice: "The access key is unknown or its secret is wrong: correct the credentials." }
  }
  if (code === "InvalidObjectState") {
    return {
      kind: "permanent",
      advice: "It was moved to an archive: restore it, and exclude checkpoints from that rule.",
    }
  }
  // An upload that its completion finds gone was completed by an earlier try, or given up by a collector.
  if (code === "NoSuchUpload") {
    return { kind: request.operation === "CompleteMultipartUpload" ? "precondition" : "transient" }
  }
  if (status === 416) return { kind: "precondition" }
  if (kind === "denied") return { kind, advice: permissionAdvice(request) }
  return { kind }
}

/** Failures before anything was sent; a wrong setting would otherwise be tried again as if it were a broken network. */
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

function permissionAdvice({ operation, bucket, key }: FailedRequest): string {
  const action = actions[operation]
  const arn = `arn:aws:s3:::${bucket}`
  // S3 calls an absent key forbidden if the caller may not list.
  if (action === "s3:GetObject") return `Allow ${action} on ${arn}/${key}, and s3:ListBucket on ${arn}.`
  return `Allow ${action} on ${key === undefined ? arn : `${arn}/${key}`}.`
}

const passingDelete = new Set(["InternalError", "OperationAborted", "ServiceUnavailable", "SlowDown"])

/** One key's error in the answer to `DeleteObjects`. */
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

/** Options that cannot be used. */
export function invalid(message: string): CheckpointError {
  return new CheckpointError("CKPT_INVALID", message, { backend: "s3" })
}
