import { BackendError, type BackendErrorKind } from "../errors.js"

/** The same error with the kind and the message that the service's own code asks for: the status alone says less. */
export function withKind(error: BackendError, kind: BackendErrorKind, message = error.message): BackendError {
  const { cause, retryAfterMs, unsettleable, checksumMismatch } = error
  return new BackendError(kind, message, {
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    unsettleable,
    checksumMismatch,
  })
}
