import type { Body } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import { onAbort, recyclerOf } from "@ckpt/core/adapter"
import { CallerError, runCallerCode, throwIfAborted } from "./errors.js"
import type { OpenFile } from "./file-api.js"
import { WriteBehind } from "./write-behind.js"

/** Writes all of `body` to a new file. An error of the body itself comes back as a `CallerError`. */
export async function writeBody(file: OpenFile, body: Body, signal: AbortSignal | undefined): Promise<void> {
  const { written } = await takeBody(file, body, signal)
  await written
}

/** Reads `body` to its end. `written` resolves when the system has taken all bytes. */
export async function takeBody(file: OpenFile, body: Body, signal: AbortSignal | undefined): Promise<Taken> {
  throwIfAborted(signal)
  return Symbol.asyncIterator in body ? takeStream(file, body, signal) : takeArray(file, body, signal)
}

export interface Taken {
  readonly written: Promise<void>
}

async function takeArray(file: OpenFile, body: readonly Uint8Array[], signal: AbortSignal | undefined): Promise<Taken> {
  const writer = new WriteBehind(file)
  try {
    for (const chunk of body) {
      checkChunk(chunk)
      throwIfAborted(signal)
      await writer.add(chunk)
    }
  } catch (error) {
    await writer.settle()
    throw error
  }
  return { written: finished(writer, signal) }
}

function finished(writer: WriteBehind, signal: AbortSignal | undefined): Promise<void> {
  const written = writer.finish().then(() => throwIfAborted(signal))
  // The caller may read the next body first, and ask for this result later.
  written.catch(() => undefined)
  return written
}

async function takeStream(
  file: OpenFile,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Taken> {
  const waiting = new Waiting()
  const writer = new WriteBehind(file, { onFailure: (error) => waiting.fail(error), onWritten: recyclerOf(body) })
  const iterator = runCallerCode(() => body[Symbol.asyncIterator]())
  const ignoreAbort = onAbort(signal, () => waiting.fail(new CallerError(signal?.reason)))
  try {
    for (;;) {
      const step = await waiting.for(() => iterator.next())
      if (step.done) break
      checkChunk(step.value)
      await writer.add(step.value)
    }
  } catch (error) {
    await writer.settle()
    if (!waiting.sourceFailed) await leave(iterator, waiting)
    throw error
  } finally {
    ignoreAbort()
  }
  return { written: finished(writer, signal) }
}

/** Lets go of a body that is not read to its end. A body that is busy is not waited for: it may never answer. */
async function leave(iterator: AsyncIterator<Uint8Array>, waiting: Waiting): Promise<void> {
  const left = Promise.resolve(runCallerCode(() => iterator.return?.())).then(
    () => undefined,
    () => undefined,
  )
  if (!waiting.busy) await left
}

/**
 * Waits for the source, or for a failure elsewhere (an abort, a write), whichever comes first. `Promise.race` would add one
 * reaction per chunk to a promise that lives as long as the body, and a state of 2 GiB has half a million chunks.
 */
class Waiting {
  busy = false
  sourceFailed = false
  #failure: { error: unknown } | undefined
  #reject: ((error: unknown) => void) | undefined

  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#reject?.(error)
  }

  for<T>(call: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject
      this.busy = true
      // Inside an async function, so that a `next` may also throw at once or return a plain value.
      void (async () => call())().then(
        (value) => {
          this.busy = false
          resolve(value)
        },
        (error: unknown) => {
          this.busy = false
          this.sourceFailed = true
          reject(new CallerError(error))
        },
      )
    })
  }
}

function checkChunk(chunk: unknown): void {
  // `instanceof` would refuse the Uint8Array of another realm, for example of a test runner.
  if (Object.prototype.toString.call(chunk) === "[object Uint8Array]") return
  throw new BackendError("permanent", `a body must yield Uint8Array chunks; this one yielded ${typeof chunk}.`)
}
