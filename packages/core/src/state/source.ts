import { CheckpointError } from "../errors.js"
import { isClass, listed, quote, show } from "../input/show.js"

/** Bytes in memory. Leave them unchanged until the save settles. */
export type BytesSource = ArrayBufferView | ArrayBuffer

/**
 * The bytes of a state, in one of these forms:
 *
 * - bytes in memory: a `Uint8Array` or any other view, an `ArrayBuffer`, or an array of them, one behind the other; or a `Blob`.
 * - an async iterable of bytes. It is read one chunk at a time, and may use the memory of a chunk again as soon as the next
 *   chunk is asked for. A generator, a `Readable` and a `ReadableStream` can be read once: give each save a new one. An object
 *   whose `[Symbol.asyncIterator]()` begins anew each time may be given again.
 * - a function that gives one of these, or a promise of it. It is called anew for each attempt, so that the save can be
 *   repeated with the same options.
 */
export type StateSource = GivenSource | (() => GivenSource | Promise<GivenSource>)

/** A source that is no function. */
export type GivenSource =
  | BytesSource
  | Blob
  | readonly BytesSource[]
  | AsyncIterable<BytesSource>
  | ReadableStream<BytesSource>

/** The option that an operator's state is, for a message. */
export function optionOf(operator: string): string {
  return `operators[${quote(operator)}]`
}

/** The chunks of a source in memory; `undefined` for a blob, an iterable, a stream or a function. */
export function chunksInMemory(source: StateSource): readonly Uint8Array[] | undefined {
  if (isBytes(source)) return [bytesOf(source)]
  if (!Array.isArray(source)) return undefined
  return (source as readonly unknown[]).map(chunkOf)
}

export function isBlob(source: unknown): source is Blob {
  const { arrayBuffer, stream, size } = (source ?? {}) as Partial<Blob>
  return typeof arrayBuffer === "function" && typeof stream === "function" && typeof size === "number"
}

export function isAsyncIterable(source: unknown): source is AsyncIterable<unknown> {
  return typeof (source as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] === "function"
}

/**
 * Refuses what is no source, before anything is read or written.
 *
 * @param name of the option, for the message
 * @throws {CheckpointError} `CKPT_INVALID`
 */
export function assertSource(source: unknown, name: string): asserts source is StateSource {
  if (typeof source === "function" && !isClass(source)) return
  if (isBytes(source)) {
    bytesOf(source)
    return
  }
  if (Array.isArray(source)) {
    for (const chunk of source) chunkOf(chunk)
    return
  }
  if (isBlob(source) || isAsyncIterable(source)) return
  throw new CheckpointError("CKPT_INVALID", `${name} is ${show(source)}; ${adviceOn(source)}.`)
}

/** A chunk that a source gave, as bytes. */
export function chunkOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array && chunk.byteLength > 0) return chunk
  if (isBytes(chunk)) return bytesOf(chunk)
  const advice = typeof chunk === "string" ? " Encode text first: new TextEncoder().encode(text)." : ""
  const message = `a chunk of a state is ${show(chunk)}; every chunk must be bytes, such as a Uint8Array.${advice}`
  throw new CheckpointError("CKPT_INVALID", message)
}

function isBytes(source: unknown): source is BytesSource {
  return ArrayBuffer.isView(source) || Object.prototype.toString.call(source) === "[object ArrayBuffer]"
}

function bytesOf(source: BytesSource): Uint8Array {
  if (source instanceof Uint8Array && source.byteLength > 0) return source
  try {
    if (!ArrayBuffer.isView(source)) return new Uint8Array(source)
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
  } catch {
    // It seems empty, but its bytes are elsewhere: a state of 0 bytes would be saved without a word.
    const message =
      "a state's memory was transferred to another owner (postMessage, structuredClone), so it is empty here. Save it first."
    throw new CheckpointError("CKPT_INVALID", message)
  }
}

const forms = ["bytes (Uint8Array, ArrayBuffer, Blob)", "an array of them", "an async iterable", "a ReadableStream"]

function adviceOn(source: unknown): string {
  if (typeof source === "string")
    return "give bytes: new TextEncoder().encode(text), or json(value) of what the text was made of"
  if (source instanceof Promise) return "await it first"
  if (isClass(source)) return `give bytes, not the class`
  if (typeof source === "object" && source !== null) {
    if (Symbol.iterator in source)
      return "it cannot be awaited between chunks: make it async (async function*), or give an array of its chunks"
    if (Object.prototype.toString.call(source) === "[object Object]") {
      return "give bytes, such as json(value)"
    }
  }
  return `give ${listed([...forms, "a function that gives one of these"], "or")}`
}
