import { BackendError, type BackendErrorKind } from "@ckpt/core"
import { type HttpFailure, httpError, withKind } from "@ckpt/core/adapter"

/** One request, as messages name it, and the permission that it needs. */
export interface Operation {
  /** Its name in the REST reference, such as "Put Blob". */
  readonly name: string
  readonly needs: "read" | "write" | "delete"
  /** Absent for a request about the whole container. */
  readonly key?: string | undefined
}

/** The container that the messages are about. */
export interface Place {
  readonly account: string
  readonly container: string
}

/** The fields of the SDK's errors in all their shapes: RestError, AbortError, or an answer inside a batch. */
interface SdkError {
  readonly name?: string
  readonly message?: string
  readonly code?: string
  readonly statusCode?: number
  readonly errorCode?: string
  readonly details?: { readonly errorCode?: string; readonly message?: string }
  readonly response?: { readonly headers?: { get(name: string): string | undefined } }
}

type Advice = readonly [codes: RegExp, kind: BackendErrorKind, advice: (place: Place, operation: Operation) => string]

/** Kind and advice by the service's code, where the code says more than the status. The first row that fits counts. */
const advice: readonly Advice[] = [
  [
    /^ContainerNotFound$/,
    "denied",
    ({ account, container }) => `container ${container} does not exist in account ${account}: create it`,
  ],
  [/^(ContainerBeingDeleted|AccountBeingCreated)$/, "transient", () => "try again later"],
  [/^BlobAlreadyExists$/, "precondition", () => "it exists"],
  // A write is answered with this if it was to replace a version.
  [/^BlobNotFound$/, "precondition", () => "it does not exist"],
  // A lease is not a version that differs, although the service answers 412 to both.
  [/^Lease/, "permanent", () => "the blob is leased: break the lease, checkpoints must not be leased"],
  [
    /^BlobImmutable/,
    "permanent",
    () => "an immutability policy or a legal hold keeps the blob: use a container without one for checkpoints",
  ],
  [/^SnapshotsPresent$/, "permanent", () => "the blob has snapshots, which are not ours to delete: delete them first"],
  [/^BlobArchived$/, "permanent", () => "the blob is in the archive tier: rehydrate it first"],
  [/^(Md5Mismatch|Crc64Mismatch)$/, "transient", () => "the bytes were damaged on their way"],
  [
    /^(AuthenticationFailed|InvalidAuthenticationInfo|NoAuthenticationInformation)$/,
    "denied",
    ({ account }) =>
      `the credentials are wrong or expired for account ${account}: check the key, token or shared access signature, and this machine's clock`,
  ],
  [
    /^(ResourceNotFound|PublicAccessNotPermitted)$/,
    "denied",
    () => "the service shows nothing to requests without credentials: pass a credential or a connection string",
  ],
  [
    /^KeyBasedAuthenticationNotPermitted$/,
    "denied",
    () => "the account takes no account keys: pass accountUrl and a credential of @azure/identity",
  ],
  [
    /^(AuthorizationSourceIPMismatch|AuthorizationFailure)$/,
    "denied",
    (place, operation) =>
      `${permission(place, operation)}; or they are wrong; or the account's firewall shuts this machine out`,
  ],
]

/** The error of a request as a `BackendError`. An error that is a `BackendError` already stays as it is. */
export function azureError(error: unknown, place: Place, operation: Operation): BackendError {
  if (error instanceof BackendError) return error
  const failure = readFailure(error)
  const { code = "" } = failure
  const subject = operation.key === undefined ? "" : ` of ${operation.key}`
  const what = `${operation.name}${subject} in container ${place.container}`
  const row = advice.find(([codes]) => codes.test(code))
  if (row !== undefined) {
    return new BackendError(row[1], `${what}: ${row[2](place, operation)} (${code})`, { cause: error })
  }
  const told = httpError(what, failure, { write: operation.needs !== "read" })
  const kind = isDamagedOnTheWay(failure) ? "transient" : told.kind
  const more = kind === "denied" ? permission(place, operation) : hint(failure, place)
  return withKind(told, kind, more === undefined ? told.message : `${told.message}; ${more}`)
}

/** The service's own code of an error; empty if there is none. */
export function codeOf(error: unknown): string {
  return readFailure(error).code ?? ""
}

/** Whether the blob itself is absent, not its container. A 404 without the service's code came from another server. */
export function isAbsent(error: unknown): boolean {
  return codeOf(error) === "BlobNotFound"
}

function permission({ account, container }: Place, { needs }: Operation): string {
  const action = `Microsoft.Storage/storageAccounts/blobServices/containers/blobs/${needs}`
  return `the credentials lack ${action} on container ${container} of account ${account} (role Storage Blob Data Contributor)`
}

function readFailure(error: unknown): HttpFailure {
  const { name = "", message, code, statusCode, errorCode, details, response } = (error ?? {}) as SdkError
  const headers = response?.headers
  // A credential of @azure/identity found no token, or got none.
  const status = /Credential|Authentication/.test(name) && (statusCode ?? 400) < 500 ? 401 : statusCode
  return {
    status,
    code: headers?.get("x-ms-error-code") ?? details?.errorCode ?? errorCode ?? code,
    // The SDK repeats the whole answer in its message. The first line says what is wrong.
    message: (details?.message ?? message)?.split("\n", 1)[0],
    retryAfter: headers?.get("retry-after"),
    cause: error,
  }
}

// Azurite answers 400 InvalidOperation where the service answers 400 Md5Mismatch.
function isDamagedOnTheWay({ status, code, message = "" }: HttpFailure): boolean {
  return status === 400 && code === "InvalidOperation" && /contentMD5/.test(message)
}

function hint({ status, code }: HttpFailure, place: Place): string | undefined {
  if (code === "ENOTFOUND") return `check the account's name (${place.account}) and this machine's network`
  if (status === 404) return "this is not an answer of Azure Blob Storage: check the account's URL"
  return undefined
}
