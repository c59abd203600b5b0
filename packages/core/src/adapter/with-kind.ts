import { type BackendError, type BackendErrorKind, reworded } from "../errors.js"

/** The same error with the kind and the message that the service's own code asks for: the status alone says less. */
export function withKind(error: BackendError, kind: BackendErrorKind, message = error.message): BackendError {
  return reworded(error, kind, message)
}
