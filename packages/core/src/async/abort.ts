/**
 * Calls `listener` when the signal is aborted; never, if it was aborted before this call. Returns the function that takes the
 * listener away: a signal may live as long as the process, so every listener is taken away in the end.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  signal?.addEventListener("abort", listener, { once: true })
  return () => signal?.removeEventListener("abort", listener)
}

/** The promise, or the signal's reason as soon as it is aborted. */
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

/** A controller of its own that is aborted together with `signal`, until it `leave`s. */
export class Follower extends AbortController {
  readonly leave: () => void

  constructor(signal: AbortSignal | undefined) {
    super()
    this.leave = onAbort(signal, () => this.abort(signal?.reason))
  }
}
