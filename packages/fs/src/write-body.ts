import type { Body } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import type { OpenFile } from "./file-api.js"
import { CallerError, throwIfAborted } from "./fs-errors.js"

/** Bytes per gathered write, and per block of a stream. */
const gatheredBytes = 8 << 20
const gatheredBuffers = 512
const blockBytes = 512 << 10

/** Writes all of `body` to a new file. What the body itself throws comes back as a `CallerError`. */
export async function writeBody(file: OpenFile, body: Body, signal: AbortSignal | undefined): Promise<void> {
  if (Symbol.asyncIterator in body) await writeStream(file, body, signal)
  else await writeArray(file, body, signal)
}

async function writeArray(file: OpenFile, body: readonly Uint8Array[], signal: AbortSignal | undefined): Promise<void> {
  let group: Uint8Array[] = []
  let bytes = 0
  for (const chunk of body) {
    checkChunk(chunk)
    for (let start = 0; start < chunk.byteLength; start += gatheredBytes) {
      const piece = chunk.subarray(start, start + gatheredBytes)
      if (group.length > 0 && (bytes + piece.byteLength > gatheredBytes || group.length === gatheredBuffers)) {
        throwIfAborted(signal)
        await writeAll(file, group)
        group = []
        bytes = 0
      }
      group.push(piece)
      bytes += piece.byteLength
    }
  }
  throwIfAborted(signal)
  await writeAll(file, group)
}

/**
 * Copies the chunks into two blocks: one is filled while the other is written, so hashing in the body and writing
 * overlap, many small chunks make one call, and a producer may use its buffer again.
 */
async function writeStream(
  file: OpenFile,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  throwIfAborted(signal)
  let block: Buffer = Buffer.allocUnsafeSlow(blockBytes)
  let spare: Buffer | undefined
  let filled = 0
  let writing: Promise<void> = Promise.resolve()
  const waiting = new Waiting()
  const onAbort = () => waiting.fail(new CallerError(signal?.reason))
  signal?.addEventListener("abort", onAbort, { once: true })

  const flush = async () => {
    await writing
    const full = block
    writing = writeAll(file, [full.subarray(0, filled)])
    writing.catch((error: unknown) => waiting.fail(error))
    block = spare ?? Buffer.allocUnsafeSlow(blockBytes)
    spare = full
    filled = 0
  }

  const iterator = startedBy(() => body[Symbol.asyncIterator]())
  let ended = false
  try {
    for (;;) {
      const step = await waiting.for(() => iterator.next())
      if (step.done) {
        ended = true
        break
      }
      checkChunk(step.value)
      for (let rest = step.value; rest.byteLength > 0; ) {
        const part = rest.subarray(0, blockBytes - filled)
        block.set(part, filled)
        filled += part.byteLength
        rest = rest.subarray(part.byteLength)
        if (filled === blockBytes) await flush()
      }
    }
    await flush()
    await writing
  } finally {
    signal?.removeEventListener("abort", onAbort)
    // A write that is under way must end before the file is closed.
    await writing.catch(() => undefined)
    if (!ended && !waiting.sourceFailed) await leave(iterator, waiting)
  }
}

/** Lets go of a body that is not read to its end. One that is still busy cannot be waited for: it may never answer. */
async function leave(iterator: AsyncIterator<Uint8Array>, waiting: Waiting): Promise<void> {
  const left = Promise.resolve(startedBy(() => iterator.return?.())).then(
    () => undefined,
    () => undefined,
  )
  if (!waiting.busy) await left
}

function startedBy<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw new CallerError(error)
  }
}

/**
 * Waits for the source, or for a failure elsewhere (an abort, a write), whichever comes first. Not `Promise.race`: each
 * race would hang one more reaction on the long-lived promise, and a state of 2 GiB has half a million chunks.
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
      // Inside an async function, so that a `next` that throws at once or returns a plain value is treated alike.
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
  // Not `instanceof`: test runners and other realms have a Uint8Array of their own.
  if (Object.prototype.toString.call(chunk) === "[object Uint8Array]") return
  throw new BackendError("permanent", `a body must yield Uint8Array chunks; this one yielded ${typeof chunk}.`)
}

/**
 * Writes every byte. `write` and `writev` of Node return a short count without an error when the disk is nearly full
 * (seen on 20.20.2: 12,288 of 16,384); the next call then says ENOSPC.
 */
export async function writeAll(file: OpenFile, buffers: readonly Uint8Array[]): Promise<void> {
  let rest = buffers.filter((buffer) => buffer.byteLength > 0)
  let stalls = 0
  while (rest.length > 0) {
    const [first, second] = rest
    const { bytesWritten } =
      second === undefined && first !== undefined ? await file.write(first) : await file.writev(rest)
    if (bytesWritten > 0) stalls = 0
    else if (++stalls === 3) throw new Error("the system wrote nothing, three times, without an error")
    rest = withoutFirst(rest, bytesWritten)
  }
}

function withoutFirst(buffers: Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes
  for (const [index, buffer] of buffers.entries()) {
    if (skip < buffer.byteLength) return [buffer.subarray(skip), ...buffers.slice(index + 1)]
    skip -= buffer.byteLength
  }
  return []
}
