import { BackendError, type BackendErrorKind, CheckpointError } from "@ckpt/core"
import { httpError, withKind } from "@ckpt/core/adapter"

/** The IAM permission that a request needs. Messages name the request by it. */
export type Permission =
  | "storage.objects.create"
  | "storage.objects.get"
  | "storage.objects.list"
  | "storage.objects.delete"

/** One request, as messages name it. */
export interface Attempted {
  readonly permission: Permission
  readonly bucket: string
  readonly key?: string | undefined
  readonly write: boolean
}

/** An answer of the service that refuses a request. */
export interface Refusal {
  readonly status: number
  readonly reason: string | undefined
  readonly message: string
  readonly retryAfter: string | null
  /** The service's words arrived only in part, or in a form that cannot be read. */
  readonly isCut: boolean
}

/** How the service begins the words for an absent object, in answer to a download. */
const objectMissing = "No such object"

/**
 * Reads a refusal. It is JSON in general, plain text in answer to a download, and HTML from a proxy in front of the
 * service.
 */
export function readRefusal(status: number, headers: Headers, text: string): Refusal {
  const retryAfter = headers.get("retry-after")
  try {
    const { error } = JSON.parse(text)
    const { message, errors } = error
    return { status, reason: errors?.[0]?.reason, message: String(message), retryAfter, isCut: false }
  } catch {
    const words = text.trim()
    // HTML is known by its first letter: the service sends plain text as text/html too.
    const message = words.startsWith("<") ? "" : words.slice(0, 500)
    const isEncoded = !["", "identity"].includes(headers.get("content-encoding") ?? "")
    const isCut = isEncoded || words.startsWith("{") || (words !== "" && objectMissing.startsWith(words))
    return { status, reason: undefined, message: isEncoded ? "its words cannot be read" : message, retryAfter, isCut }
  }
}

/** The message decides, since the service answers 404 for an absent object too. */
function isBucketMissing({ status, message }: Refusal): boolean {
  return status === 404 && /bucket does not exist/i.test(message)
}

/**
 * The service's own words decide, since a proxy has 404s too. They come as JSON, or as text in answer to a download.
 */
export function isObjectMissing(refusal: Refusal): boolean {
  const { status, reason, message } = refusal
  return status === 404 && !isBucketMissing(refusal) && (reason === "notFound" || message.startsWith(objectMissing))
}

/** The checksum that came with the bytes does not match them. */
export function isDamagedUpload({ status, message }: Refusal): boolean {
  return status === 400 && /doesn't match calculated/i.test(message)
}

/**
 * An object may be changed about once a second (https://cloud.google.com/storage/quotas#objects). The service sends no
 * Retry-After with such a refusal, and tries within the same second would be refused too.
 */
const objectRateSeconds = "1"

function isRateLimit({ status, reason, message }: Refusal): boolean {
  if (status !== 429 && status !== 403) return false
  return /rateLimitExceeded/i.test(reason ?? "") || /rate limit/i.test(message)
}

export function refusalError(attempted: Attempted, refusal: Refusal): BackendError {
  const { status, reason, message, retryAfter } = refusal
  const advice = adviceFor(attempted, refusal)
  const told = {
    ...{ status, code: reason, message: advice === "" ? message : `${message} ${advice}`.trim() },
    retryAfter: retryAfter ?? (isRateLimit(refusal) ? objectRateSeconds : null),
  }
  const error = httpError(describe(attempted), { ...told, cause: undefined }, attempted)
  const kind = kindOf(refusal, attempted)
  return kind === undefined ? error : withKind(error, kind)
}

/** The error of a request that got no answer, or of an answer that broke off. */
export function networkError(attempted: Attempted, error: unknown): BackendError {
  if (error instanceof BackendError) return error
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  const told = { code: typeof code === "string" ? code : undefined, message: String(message ?? error) }
  const failure = { ...told, cause: withoutRequest(error) }
  return httpError(describe(attempted), failure, attempted)
}

/**
 * The error of a request that was never sent, as there is no token. Whether another try may succeed depends on who
 * refused the token.
 */
export function credentialsError(error: unknown): BackendError {
  const { code, message, response } = (error ?? {}) as {
    code?: unknown
    message?: unknown
    response?: { status?: number }
  }
  const status = response?.status
  const passing = status === undefined ? networkCodes.test(String(code)) : status >= 500 || status === 429
  const what = `no access token for Google Cloud Storage: ${String(message ?? error)}`
  if (passing) return new BackendError("transient", what, { cause: withoutRequest(error) })
  const grant = /invalid_grant|invalid_rapt/.test(String(message))
    ? "The credentials have expired or were revoked, or the clock of this machine is wrong. "
    : ""
  return new BackendError("denied", `${what.replace(/\.?$/, ".")} ${grant}${howToSignIn}`, {
    cause: withoutRequest(error),
  })
}

/**
 * The cause without the request: the transport's errors carry their whole request, with its bytes, its agent and all
 * sockets.
 */
function withoutRequest(error: unknown): unknown {
  if (typeof error !== "object" || error === null || !("config" in error)) return error
  const { cause, error: inner } = error as { cause?: unknown; error?: unknown }
  return cause ?? inner
}

const networkCodes = /^(ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EPIPE)/
const howToSignIn =
  "Run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS to a key file, attach a service " +
  "account to this machine, or pass keyFilename, credentials or authClient."

export function describe({ permission, bucket, key }: Attempted): string {
  return `${permission} of gs://${bucket}/${key ?? ""}`
}

function kindOf(refusal: Refusal, { write }: Attempted): BackendErrorKind | undefined {
  const { status, isCut } = refusal
  // These mean different things by their words. Without the words, nothing was answered.
  if (isCut && [400, 403, 404].includes(status)) return write ? "ambiguous" : "transient"
  // An exceeded quota is answered with 403 as well as with 429.
  if (isRateLimit(refusal)) return "transient"
  // A limit of the project, which passes only when somebody raises it.
  if (status === 403 && isOverQuota(refusal)) return "full"
  if (isBucketMissing(refusal)) return "denied"
  // Another request for this object was under way; nothing was changed.
  if (status === 409) return "transient"
  if (isDamagedUpload(refusal)) return "transient"
  return undefined
}

function isOverQuota({ reason = "" }: Refusal): boolean {
  return /^(quota|dailyLimit)Exceeded$/i.test(reason)
}

function adviceFor({ permission, bucket, key }: Attempted, refusal: Refusal): string {
  const { status, reason, message } = refusal
  if (isBucketMissing(refusal)) {
    return `Create it first: gcloud storage buckets create gs://${bucket} --location=REGION.`
  }
  if (/requester pays/i.test(message)) return "Pass userProject: the project that pays for the requests."
  if (status === 401) return `The service does not accept these credentials. ${howToSignIn}`
  if (status !== 403) return ""
  if (isOverQuota(refusal)) return "A quota of the project is used up: raise it, or remove objects."
  if (/retentionPolicyNotMet|objectUnderActiveHold/.test(reason ?? "") || /retention policy|hold/i.test(message)) {
    const why = "It replaces one object (latest.json) with every save, and prunes"
    return `A retention policy or a hold protects the object; a checkpoint store cannot live with either. ${why}.`
  }
  if (reason !== undefined && reason !== "forbidden") return ""
  const overwriting =
    permission === "storage.objects.create" ? " (to replace an object, storage.objects.delete too)" : ""
  const at = key === undefined ? "" : ` for ${key}`
  return `Grant ${permission}${overwriting} on bucket ${bucket}${at}; roles/storage.objectUser has all that is needed.`
}

/** The error for options that cannot be used. */
export function invalid(message: string): CheckpointError {
  return new CheckpointError("CKPT_INVALID", message)
}
