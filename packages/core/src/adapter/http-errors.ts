import { BackendError, type BackendErrorKind } from "../errors.js"

/** What an SDK told about a request that failed, taken out of whatever shape its error has. */
export interface HttpFailure {
  /** The HTTP status; absent where no answer came (a reset, a refused connection, a failed look-up). */
  readonly status?: number | undefined
  /** The service's own code ("NoSuchBucket"), or Node's ("ECONNRESET"). */
  readonly code?: string | undefined
  /** The service's or the SDK's own words. */
  readonly message?: string | undefined
  /** The `Retry-After` header: seconds, or an HTTP date. */
  readonly retryAfter?: string | null | undefined
  /** The error of the SDK. */
  readonly cause: unknown
}

// The request never left this machine, or was refused before it was read.
const neverSent = new Set(["ECONNREFUSED", "EAI_AGAIN"])
/** The endpoint is wrong: no name server knows it, or it does not speak TLS. Another try finds the same. */
const wrongEndpoint: Readonly<Record<string, string>> = {
  ENOTFOUND: "no such host is known: correct the endpoint, or the name resolution of this machine",
  EPROTO: "the endpoint does not speak TLS as asked: is it http instead of https?",
  ERR_SSL_WRONG_VERSION_NUMBER: "the endpoint does not speak TLS: is it http instead of https?",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the endpoint does not speak TLS: is it http instead of https?",
}
/** TLS that broke in the middle of a connection. */
const brokenTls = /bad record mac|decryption failed/i
// These also come on connections that exist.
const neverSentIfConnecting = new Set(["EHOSTUNREACH", "ENETUNREACH", "ENETDOWN", "ETIMEDOUT"])

/**
 * The status of an answer as a `BackendError`. A write that ended in a reset or a 5xx may have taken effect: a load
 * balancer gives up while the service goes on.
 *
 * @param what what was tried, where, for the message: `s3:PutObject of a/b in bucket jobs`
 */
export function httpError(
  what: string,
  failure: HttpFailure,
  request: {
    /** True: the request may change the storage. */
    readonly write: boolean
  },
): BackendError {
  const { status, code, message, cause } = failure
  const kind = kindOf(failure, request.write)
  const answer = status === undefined ? "failed" : `was answered with ${status}`
  const detail = [code, message].filter((text) => text !== undefined && text !== "").join(": ")
  const advice = isWrongEndpoint(failure) ? `: ${wrongEndpoint[code ?? ""]}` : ""
  const retryAfterMs = parseRetryAfter(failure.retryAfter)
  return new BackendError(kind, `${what} ${answer}${detail === "" ? "" : ` (${detail})`}${advice}`, {
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

function isWrongEndpoint({ status, code = "", message = "" }: HttpFailure): boolean {
  return status === undefined && Object.hasOwn(wrongEndpoint, code) && !brokenTls.test(message)
}

function kindOf(failure: HttpFailure, write: boolean): BackendErrorKind {
  const { status, code = "", cause } = failure
  const unclear = write ? "ambiguous" : "transient"
  if (isWrongEndpoint(failure)) return "permanent"
  if (status === undefined) {
    const connecting = (cause as { syscall?: unknown } | undefined)?.syscall === "connect"
    return neverSent.has(code) || (connecting && neverSentIfConnecting.has(code)) ? "transient" : unclear
  }
  if (status === 412) return "precondition"
  if (status === 401 || status === 403) return "denied"
  // The rate limiter refuses before anything is done; a time-out may be that of a load balancer.
  if (status === 429) return "transient"
  if (status === 408) return unclear
  if (status === 501) return "unsupported"
  if (status === 505) return "permanent"
  if (status === 507) return "full"
  if (status >= 500) return unclear
  // An answer of success that the SDK could not read.
  if (status < 300) return unclear
  return "permanent"
}

/** Milliseconds from now; `undefined` for none, and for what is not a Retry-After. */
export function parseRetryAfter(header: string | null | undefined, now = Date.now()): number | undefined {
  if (header === undefined || header === null || header === "") return undefined
  if (/^\d+(\.\d+)?$/.test(header)) return Number(header) * 1000
  // `Date.parse` takes much that is no HTTP date: "-1" is a year to it.
  const date = /^[A-Z][a-z]{2}, .+ GMT$/.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
