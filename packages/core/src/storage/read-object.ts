import { Follower, onAbort } from "../async/abort.js"
import { BackendError } from "../errors.js"
import type { RetryContext } from "./attempt.js"
import type { GetOptions, ObjectBackend, ObjectContent, ObjectMeta } from "./backend.js"
import { recyclerOf } from "./blocks.js"
import { IdleTimeout } from "./idle-timeout.js"
import { backOff, withRetry } from "./retry.js"

/** `gone`: nothing is at the key, or not any more. */
export type StreamEnd = "complete" | "gone"

export type ByteStream = AsyncGenerator<Uint8Array, StreamEnd, void>

export interface StreamedObject {
  readonly backend: ObjectBackend
  readonly context: RetryContext
  readonly key: string
  /** Its reader has done with a chunk when it asks for the next one. */
  readonly recycles?: boolean | undefined
}

const uncut = { at: Number.POSITIVE_INFINITY }

export interface BodyPart {
  readonly start: number
  /** Where it ends, exclusive; default the end of the object. */
  readonly end: number | undefined
  readonly version: string | undefined
  /** Called with each answer, the first and those after an interruption. */
  readonly onOpen?: ((meta: ObjectMeta) => void) | undefined
  /** An earlier end than the one asked for. It may become so while the body is read, ahead of what was handed over. */
  readonly cut?: { readonly at: number } | undefined
}

/**
 * The bytes of an object, or of a part of it, as they arrive; the next chunk is on its way while the one before is worked
 * on. An interrupted body goes on where it stopped, pinned to the version that it started with.
 *
 * One long function: a generator within the generator would cost each chunk of a large state more turns of the microtask queue.
 */
export async function* readBody(
  source: StreamedObject,
  { start, end: wanted, version: given, onOpen, cut = uncut }: BodyPart,
  signal: AbortSignal | undefined,
): ByteStream {
  const { context, key } = source
  const operation = { name: "get", key }
  let [end, version, position, failures] = [wanted, given, start, 0]
  for (;;) {
    if (cut.at < Number.POSITIVE_INFINITY) end = Math.min(end ?? cut.at, cut.at)
    const range: GetOptions["range"] =
      position === 0 && end === undefined
        ? undefined
        : { offset: position, length: end === undefined ? undefined : end - position }
    const closed = context.requests.begin(operation.name)
    const reading = new AbortController()
    const waits = new IdleTimeout(context, operation)
    const abort = () => {
      reading.abort(signal?.reason)
      waits.giveUp(signal?.reason)
    }
    const ignoreAbort = onAbort(signal, abort)
    let iterator: AsyncIterator<Uint8Array> | undefined
    try {
      const content = await withRetry(context, { ...operation, write: false, repeatable: true }, signal, (s) =>
        openForLater(source, { range, ifVersion: version }, s, reading.signal),
      )
      if (content === undefined) return "gone"
      version = content.meta.version
      const promised = Math.min(end ?? content.meta.size, content.meta.size)
      // Before `onOpen`, which may refuse what it sees: then the body is closed.
      const body = content.body[Symbol.asyncIterator]()
      iterator = body
      const recycle = source.recycles ? recyclerOf(content.body) : undefined
      onOpen?.(content.meta)
      end = promised
      const ask = () => {
        const next = waits.wait(() => body.next())
        // Nobody may come for it: then its failure is nobody's.
        next.catch(() => {})
        return next
      }
      let next = ask()
      for (;;) {
        const step = await next
        signal?.throwIfAborted()
        if (step.done) break
        const arrived = position + step.value.length
        if (arrived > promised) throw lengthError(key, promised, arrived)
        if (cut.at < end) end = cut.at
        const chunk = arrived > end ? step.value.subarray(0, end - position) : step.value
        position += chunk.length
        const isEnough = position === end && end < promised
        if (!isEnough) next = ask()
        // An empty chunk is no progress: a storage that gives nothing else must not be asked for ever. And whoever holds the
        // last chunk back would hold back nothing.
        if (chunk.length > 0) {
          failures = 0
          yield chunk
        }
        recycle?.(step.value)
        if (isEnough) return "complete"
      }
      if (position < promised) throw lengthError(key, promised, position)
      iterator = undefined
      return "complete"
    } catch (error) {
      signal?.throwIfAborted()
      const passing = error instanceof BackendError && error.kind === "transient"
      // Where the opening failed, its own attempts are used up already.
      if (!passing || error.checksumMismatch || iterator === undefined || ++failures >= context.policy.attempts)
        throw error
      await backOff(context, operation, failures, error, signal)
    } finally {
      ignoreAbort()
      waits.close()
      if (iterator === undefined) closed()
      else {
        // Not awaited: a body that hangs would hang its closing too.
        reading.abort(new BackendError("transient", `reading ${key} was given up`))
        Promise.resolve(iterator.return?.()).then(closed, closed)
      }
    }
  }
}

/** Opens a body that outlives the attempt that opened it: the attempt's signal ends with its time-out, the body's must not. */
async function openForLater(
  { backend, key }: StreamedObject,
  options: GetOptions,
  attempt: AbortSignal,
  reading: AbortSignal,
): Promise<ObjectContent | undefined> {
  const either = new Follower(reading)
  const ignoreAttempt = onAbort(attempt, () => either.abort(attempt.reason))
  try {
    const content = await backend.get(key, { ...options, signal: either.signal })
    // Given up meanwhile: nobody waits for this body any more, so it is closed here.
    if (content !== undefined && either.signal.aborted) await discard(content)
    either.signal.throwIfAborted()
    return content
  } finally {
    ignoreAttempt()
  }
}

export async function discard(content: ObjectContent): Promise<void> {
  await content.body[Symbol.asyncIterator]().return?.()
}

export function lengthError(key: string, expected: number, seen: number): BackendError {
  return new BackendError("transient", `the body of ${key} ended at byte ${seen}, ${expected} were promised`)
}
