import type { Body, ObjectMeta, PutOptions } from "../backend.js"
import { BackendError } from "../errors.js"
import { untilAborted } from "../state-source.js"

/** How a storage takes one object. `P` is what it answers to a part, `U` what it calls an upload in parts. */
export interface UploadSteps<U, P> {
  /** The whole object in one request. */
  whole(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<ObjectMeta>
  begin(signal: AbortSignal | undefined): Promise<U>
  /** Part `index`, from 0, starting at byte `offset` of the object. */
  part(upload: U, part: UploadPart, signal: AbortSignal): Promise<P>
  /** Makes the object appear, under the condition of the put. `parts` in order. */
  complete(upload: U, parts: readonly P[], size: number, signal: AbortSignal): Promise<ObjectMeta>
  /**
   * Gives the upload up, so that nothing of it is kept or billed. Failures are ignored: `leftovers` finds the rest. The
   * put's own signal may have been aborted; this one ends a request that hangs.
   */
  abandon(upload: U, signal: AbortSignal): Promise<unknown>
}

export interface UploadPart {
  readonly index: number
  readonly offset: number
  readonly bytes: Uint8Array
  readonly last: boolean
}

export interface UploadLimits {
  /** Bytes of part `index`. A body that fits the first one goes in one request. */
  partBytes(index: number): number
  /** Parts under way at once; 1 where the storage takes them in order only. */
  readonly concurrency: number
}

/**
 * Sends a body of any length in constant memory (parts under way, and one that is being filled). Every request that
 * carries bytes of a body that can be read only once is inside `options.attempt`.
 */
export async function uploadBody<U, P>(
  body: Body,
  options: PutOptions,
  limits: UploadLimits,
  steps: UploadSteps<U, P>,
): Promise<ObjectMeta> {
  const { signal } = options
  signal?.throwIfAborted()
  const readOnce = !Array.isArray(body)
  const attempt = options.attempt ?? ((one) => one(signal ?? new AbortController().signal))
  const blocks = blocksOf(body, limits, signal)
  try {
    const first = await blocks.next()
    const bytes = first.done ? new Uint8Array() : first.value
    const second = first.done ? first : await blocks.next()
    if (second.done && options.inParts !== true) {
      return readOnce ? await attempt((s) => steps.whole(bytes, s)) : await steps.whole(bytes, signal)
    }
    const upload = await attempt((s) => steps.begin(s))
    return await sendParts(upload, bytes, second, blocks, { limits, steps, attempt, signal })
  } finally {
    // Not awaited: a source that hangs would hang this.
    blocks.return().then(undefined, () => {})
  }
}

const abandonMs = 5_000
const givenUp = new Error("the upload was given up")

interface Sending<U, P> {
  readonly limits: UploadLimits
  readonly steps: UploadSteps<U, P>
  readonly attempt: NonNullable<PutOptions["attempt"]>
  readonly signal: AbortSignal | undefined
}

async function sendParts<U, P>(
  upload: U,
  first: Uint8Array,
  second: IteratorResult<Uint8Array, void>,
  blocks: AsyncGenerator<Uint8Array, void, void>,
  { limits, steps, attempt, signal }: Sending<U, P>,
): Promise<ObjectMeta> {
  const parts: P[] = []
  const underWay = new Set<Promise<void>>()
  const requests = new Set<Promise<P>>()
  const failures: unknown[] = []
  const stop = new AbortController()
  const send = (part: UploadPart) => {
    const one = (s: AbortSignal) => {
      const request = steps.part(upload, part, AbortSignal.any([s, stop.signal]))
      requests.add(request)
      const forget = () => requests.delete(request)
      request.then(forget, forget)
      return request
    }
    // A part that waits for its next attempt is not waited for once another has failed.
    const sent: Promise<void> = untilAborted(attempt(one), stop.signal)
      .then(
        (answer) => {
          parts[part.index] = answer
        },
        (error) => {
          failures.push(error)
          stop.abort(givenUp)
        },
      )
      .finally(() => underWay.delete(sent))
    underWay.add(sent)
  }
  let completing = false
  try {
    let [bytes, next] = [first, second]
    let offset = 0
    for (let index = 0; ; index++) {
      const last = next.done === true
      while (underWay.size >= limits.concurrency) await Promise.race(underWay)
      if (failures.length > 0) throw failures[0]
      send({ index, offset, bytes, last })
      offset += bytes.length
      if (next.done) break
      bytes = next.value
      next = await blocks.next()
    }
    await Promise.all(underWay)
    if (failures.length > 0) throw failures[0]
    signal?.throwIfAborted()
    completing = true
    return await attempt((s) => steps.complete(upload, parts, offset, s))
  } catch (error) {
    stop.abort(givenUp)
    // Requests that are still under way could leave a part behind after the upload was given up.
    await Promise.allSettled([...underWay, ...requests])
    // A completion whose outcome is unknown may still take effect: its upload is left to `leftovers`.
    const unknown = completing && !(error instanceof BackendError && error.kind !== "ambiguous")
    if (!unknown) await steps.abandon(upload, AbortSignal.timeout(abandonMs)).catch(() => {})
    throw error
  }
}

/** The bytes of a body in blocks of the sizes wanted. Copied at once: a source may use its chunks again. */
async function* blocksOf(
  body: Body,
  limits: UploadLimits,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const source = iteratorOf(body)
  let block = new Block(limits.partBytes(0))
  let index = 0
  let ended = false
  try {
    for (;;) {
      const step = await untilAborted(source.next(), signal)
      if (step.done) break
      let rest = step.value
      while (rest.length > 0) {
        rest = rest.subarray(block.append(rest))
        if (!block.full) continue
        yield block.bytes()
        block = new Block(limits.partBytes(++index))
      }
    }
    ended = true
    if (block.size > 0) yield block.bytes()
  } finally {
    if (!ended) source.return?.()?.then(undefined, () => {})
  }
}

/** Grows up to its limit, so that a short body costs no more than twice its size. */
class Block {
  readonly #limit: number
  #memory = new Uint8Array()
  size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get full(): boolean {
    return this.size === this.#limit
  }

  /** Returns how many bytes of the chunk there was room for. */
  append(chunk: Uint8Array): number {
    const taken = Math.min(chunk.length, this.#limit - this.size)
    const needed = this.size + taken
    if (needed > this.#memory.length) {
      const grown = new Uint8Array(Math.min(this.#limit, Math.max(needed, 2 * this.#memory.length)))
      grown.set(this.#memory.subarray(0, this.size))
      this.#memory = grown
    }
    this.#memory.set(chunk.subarray(0, taken), this.size)
    this.size = needed
    return taken
  }

  bytes(): Uint8Array {
    return this.#memory.subarray(0, this.size)
  }
}

function iteratorOf(body: Body): AsyncIterator<Uint8Array> {
  if (!Array.isArray(body)) return (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  const chunks = (body as readonly Uint8Array[]).values()
  return { next: async () => chunks.next() as IteratorResult<Uint8Array> }
}
