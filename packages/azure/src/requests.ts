import { azureError, type Operation, type Place } from "./errors.js"

/** One request. An abort rejects with the signal's own reason, any other failure with a `BackendError`. */
export async function request<T>(
  place: Place,
  operation: Operation,
  signal: AbortSignal | undefined,
  send: (abort: { abortSignal?: AbortSignal }) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  try {
    return await send(signal === undefined ? {} : { abortSignal: signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw azureError(error, place, operation)
  }
}
