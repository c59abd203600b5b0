import { setMaxListeners } from "node:events"
import { untilAborted } from "../async/abort.js"
import { BackendError } from "../errors.js"
import type { Body, ObjectMeta, PutOptions } from "./backend.js"
import { type Block, blocksOf, nextOf, type UploadLimits } from "./blocks.js"

/** How a storage takes one object. `P` is what it answers to a part, `U` what it calls an upload in parts. */
export interface UploadSteps<U, P> {
  /** The whole object in one request. */
  whole(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<ObjectMeta>
  begin(signal: AbortSignal | undefined): Promise<U>
  /**
   * Part `index`, from 0, starting at byte `offset` of the object. Parts begin in order. The memory of `bytes` is used
   * again after it resolved.
   */
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

/**
 * Sends a body of any length in constant memory: that of the parts under way, and of one that is being filled. Every request that
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
  const spare: Uint8Array[] = []
  // A source may be silent for long: the wait for it ends with the first failure of what is sent meanwhile.
  const stop = new AbortController()
  const ends = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  const blocks = blocksOf(body, { limits, size: options.size, signal: ends, spare })
  try {
    // What is known to be long is begun before it is read.
    const isLong = options.inParts === true || (options.size ?? 0) > limits.partBytes(0)
    const first = isLong ? undefined : await nextOf(blocks)
    if (first?.last) {
      const { bytes } = first
      return readOnce ? await attempt((s) => steps.whole(bytes, s), bytes.length) : await steps.whole(bytes, signal)
    }
    return await sendParts(first, blocks, { limits, steps, attempt, signal, stop, spare })
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
  /** Ends what is under way, and the wait for the source, once something has failed. */
  readonly stop: AbortController
  /** Memory of parts that were sent, for the next ones. */
  readonly spare: Uint8Array[]
}

async function sendParts<U, P>(
  first: Block | undefined,
  blocks: AsyncGenerator<Block, void, void>,
  { limits, steps, attempt, signal, stop, spare }: Sending<U, P>,
): Promise<ObjectMeta> {
  const parts: P[] = []
  const underWay = new Set<Promise<void>>()
  const requests = new Set<Promise<unknown>>()
  const failures: unknown[] = []
  // Each part that is under way listens.
  setMaxListeners(0, stop.signal)
  const request = <T>(s: AbortSignal, ask: (s: AbortSignal) => Promise<T>): Promise<T> => {
    const asked = ask(AbortSignal.any([s, stop.signal]))
    requests.add(asked)
    const forget = () => requests.delete(asked)
    asked.then(forget, forget)
    return asked
  }
  const failed = (error: unknown) => {
    failures.push(error)
    stop.abort(givenUp)
  }
  let upload: { readonly begun: U } | undefined
  const beginning = attempt(async (s) => {
    const begun = await steps.begin(s)
    upload = { begun }
    return begun
  })
  beginning.catch(failed)
  const send = (begun: U, part: UploadPart, memory: Uint8Array | undefined) => {
    let attempts = 0
    const sending = attempt((s) => {
      attempts++
      return request(s, (one) => steps.part(begun, part, one))
    }, part.bytes.length)
    // A part that waits for its next attempt is not waited for once another has failed.
    const sent: Promise<void> = untilAborted(sending, stop.signal)
      .then((answer) => {
        parts[part.index] = answer
        // An attempt that was given up may still read from its memory.
        if (attempts === 1 && memory !== undefined) spare.push(memory)
      }, failed)
      .finally(() => underWay.delete(sent))
    underWay.add(sent)
  }
  let completing = false
  try {
    let offset = 0
    let block = first ?? (await nextOf(blocks))
    const begun = await beginning
    for (let index = 0; ; index++) {
      while (underWay.size >= limits.concurrency) await Promise.race(underWay)
      if (failures.length > 0) throw failures[0]
      const { bytes, last, memory } = block
      send(begun, { index, offset, bytes, last }, memory)
      offset += bytes.length
      if (last) break
      block = await nextOf(blocks)
    }
    const size = offset
    await Promise.all(underWay)
    if (failures.length > 0) throw failures[0]
    signal?.throwIfAborted()
    completing = true
    return await attempt((s) => steps.complete(begun, parts, size, s))
  } catch (error) {
    stop.abort(givenUp)
    // Requests that are still under way could leave a part behind after the upload was given up.
    await Promise.allSettled([...underWay, ...requests])
    // Nor can one be given up of which nothing is known yet.
    await untilAborted(beginning, AbortSignal.timeout(abandonMs)).catch(() => {})
    // A completion whose outcome is unknown may still take effect: its upload is left to `leftovers`.
    const unknown = completing && !(error instanceof BackendError && error.kind !== "ambiguous")
    if (upload !== undefined && !unknown) {
      await steps.abandon(upload.begun, AbortSignal.timeout(abandonMs)).catch(() => {})
    }
    // Whoever waited for the source heard only that something else had failed.
    throw error === givenUp ? failures[0] : error
  }
}
