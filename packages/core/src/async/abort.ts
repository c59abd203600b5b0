/**
 * Calls `listener` when the signal is aborted, but not if it was aborted before this call. Returns the function that
 * removes the listener. Call it in any case: a signal may live as long as the process.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  signal?.addEventListener("abort", listener, { once: true })
  return () => signal?.removeEventListener("abort", listener)
}

/** Settles as the promise does, or rejects with the signal's reason as soon as the signal is aborted. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  let ignore = () => {}
  const aborted = new Promise<never>((_, reject) => {
    ignore = onAbort(signal, () => reject(signal.reason))
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    ignore()
  }
}

/** A controller that is aborted together with `signal`, until `leave` is called. */
export class Follower extends AbortController {
  readonly leave: () => void

  constructor(signal: AbortSignal | undefined) {
    super()
    this.leave = onAbort(signal, () => this.abort(signal?.reason))
  }
}
