import type { Readable } from "node:stream"
import { onAbort } from "../async/abort.js"
import { BackendError } from "../errors.js"

/** What {@link contentBody} must know of an answer. */
export interface BodyOptions {
  /** For messages. */
  readonly key: string
  /** Bytes that the answer's headers promise. */
  readonly length: number
  /** Its abort destroys the answer. */
  readonly signal?: AbortSignal | undefined
  /** The SDK's error as a `BackendError`. */
  toError(error: unknown): BackendError
}

/**
 * A response's body as `ObjectContent.body` must be: exactly the bytes that were promised, or a rejection. An answer that
 * ends early is no error to Node's HTTP client where it has no length, or where an SDK hides it. The response is
 * destroyed when the reader stops early or the signal is aborted.
 */
export function contentBody(stream: Readable, options: BodyOptions): AsyncIterable<Uint8Array> {
  const { key, length, signal, toError } = options
  // A response that fails while nobody reads it must not end the process.
  stream.on("error", () => {})
  const abort = () => void stream.destroy()
  const ignoreAbort = onAbort(signal, abort)
  if (signal?.aborted) abort()
  const close = () => {
    ignoreAbort()
    stream.destroy()
  }
  async function* read(): AsyncGenerator<Uint8Array, void, void> {
    let received = 0
    try {
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        received += chunk.length
        if (received > length) break
        yield chunk
      }
    } catch (error) {
      signal?.throwIfAborted()
      throw toError(error)
    } finally {
      close()
    }
    signal?.throwIfAborted()
    if (received === length) return
    const seen = received > length ? "more" : `only ${received}`
    throw new BackendError("transient", `the answer for ${key} promised ${length} bytes and had ${seen}`)
  }
  const body = read()
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => body.next(),
      async return() {
        // A generator that was never started does not run its `finally`.
        close()
        return body.return()
      },
    }),
  }
}
