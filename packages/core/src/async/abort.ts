/**
 * Calls `listener` when the signal is aborted, but not if it was aborted before this call. Returns the function that
 * removes the listener. Call it in any case: a signal may live as long as the process.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  signal?.addEventListener("abort", listener, { once: true })
  return () => signal?.removeEventListener("abort", listener)
}

/**
 * Settles as the promise does, or rejects with the signal's reason as soon as the signal is aborted: also by whoever made the promise,
 * before there was anything to wait for.
 */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  let ignore = () => {}
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    ignore = onAbort(signal, () => reject(signal.reason))
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    ignore()
  }
}

/** The reason of an abort that nobody is told of. Made once: an abort without a reason makes an error with a stack each time. */
export const ended = new Error("it is not needed any more")

/** A controller that is aborted together with `signal`, until `leave` or `end` is called. */
export class Follower {
  readonly signal: AbortSignal
  readonly leave: () => void
  readonly #controller = new AbortController()

  constructor(signal: AbortSignal | undefined) {
    this.signal = this.#controller.signal
    this.leave = onAbort(signal, () => this.abort(signal?.reason))
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason)
  }

  /** Gives up what is still under way. */
  end(): void {
    this.abort(ended)
    this.leave()
  }
}
