import { setMaxListeners } from "node:events"
import { Follower } from "../async/abort.js"
import { Breather } from "../async/breather.js"
import type { ObjectBackend, ObjectMeta } from "./backend.js"
import { type ByteStream, readBody, type StreamEnd, type StreamedObject } from "./read-object.js"

export interface StreamOptions {
  readonly offset?: number
  /** Bytes at most, default all up to the end. */
  readonly length?: number
  /** Bytes that will probably come, where `length` does not say it: a large object is then asked for in ranges from the start. */
  readonly expected?: number | undefined
  readonly version?: string
  /** As one body, however large: it alone is covered by the checksum of a storage that has one for whole objects only. */
  readonly inOneBody?: boolean
  readonly signal?: AbortSignal | undefined
  /** What it throws ends the stream. */
  readonly onOpen?: ((meta: ObjectMeta) => void) | undefined
}

function rangesOf({ capabilities }: ObjectBackend): ObjectBackend["capabilities"]["ranges"] {
  return (capabilities.ranges?.concurrency ?? 0) > 1 ? capabilities.ranges : undefined
}

/** Whether so many bytes are asked for in several ranges. For no more than two nothing is gained. */
export function comesInRanges(backend: ObjectBackend, bytes: number): boolean {
  const ranges = rangesOf(backend)
  return ranges !== undefined && bytes > 2 * ranges.bytes
}

/**
 * The bytes of an object in order. Where the backend says that it gains by it, a large one comes in several ranges at once,
 * each of which goes on by itself where it was interrupted, all of the version that the first one found. In memory: as many
 * ranges as the backend wants at once.
 */
export async function* streamObject(source: StreamedObject, options: StreamOptions): ByteStream {
  const { offset: start = 0, length, expected, version, signal, onOpen } = options
  const wanted = length === undefined ? undefined : start + length
  const ranges = rangesOf(source.backend)
  if (ranges === undefined || options.inOneBody === true) {
    const opened = (meta: ObjectMeta) => void onOpen?.(meta)
    return yield* readBody(source, { start, end: wanted, version, onOpen: opened }, signal)
  }
  const isLarge = (bytes: number) => comesInRanges(source.backend, bytes)
  const firstEnd = start + ranges.bytes
  const inRanges = isLarge(length ?? expected ?? 0)

  const stop = new Follower(signal)
  // One for each request that is under way.
  setMaxListeners(0, stop.signal)
  let rest: Iterator<ByteStream> | undefined
  const queue: Arriving[] = []
  const ask = () => {
    const part = rest?.next()
    if (part !== undefined && !part.done) queue.push(new Arriving(part.value))
  }
  const opened = (meta: ObjectMeta): number | undefined => {
    onOpen?.(meta)
    const end = Math.min(wanted ?? meta.size, meta.size)
    if (end <= firstEnd || !(inRanges || isLarge(end - start))) return undefined
    // Not for the answer after an interruption: they are on their way since the first.
    if (rest === undefined) {
      rest = parts(source, { start: firstEnd, end, version: meta.version, bytes: ranges.bytes, signal: stop.signal })
      for (let others = 1; others < ranges.concurrency; others++) ask()
    }
    return firstEnd
  }
  try {
    const end = yield* readBody(source, { start, end: inRanges ? firstEnd : wanted, version, onOpen: opened }, signal)
    if (end === "gone") return end
    const breather = new Breather()
    for (;;) {
      ask()
      const next = queue.shift()
      if (next === undefined) return "complete"
      if ((yield* next.read(breather)) === "gone") return "gone"
    }
  } finally {
    stop.leave()
    stop.abort(new Error("nobody reads on"))
  }
}

function* parts(
  source: StreamedObject,
  {
    start,
    end,
    version,
    bytes,
    signal,
  }: { start: number; end: number; version: string; bytes: number; signal: AbortSignal },
): Generator<ByteStream, void, void> {
  for (let at = start; at < end; at += bytes) {
    yield readBody({ ...source, recycles: false }, { start: at, end: Math.min(end, at + bytes), version }, signal)
  }
}

/** A part that is fetched whether or not somebody reads already. */
class Arriving {
  readonly #chunks: Uint8Array[] = []
  #ended: { readonly end: StreamEnd } | { readonly error: unknown } | undefined
  #wake = () => {}

  constructor(stream: ByteStream) {
    void this.#fetch(stream)
  }

  async #fetch(stream: ByteStream): Promise<void> {
    try {
      for (;;) {
        const step = await stream.next()
        if (step.done) {
          this.#ended = { end: step.value }
          break
        }
        this.#chunks.push(step.value)
        this.#wake()
      }
    } catch (error) {
      this.#ended = { error }
    }
    this.#wake()
  }

  async *read(breather: Breather): ByteStream {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        await breather.keep(chunk.length)
        yield chunk
      } else if (this.#ended === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      } else {
        if ("error" in this.#ended) throw this.#ended.error
        return this.#ended.end
      }
    }
  }
}
