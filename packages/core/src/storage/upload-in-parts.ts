import { setMaxListeners } from "node:events"
import { untilAborted } from "../async/abort.js"
import { BackendError } from "../errors.js"
import type { Body, ObjectMeta, PutOptions, UploadInParts, UploadPart } from "./backend.js"
import { type Block, blocksOf, nextOf } from "./blocks.js"

/**
 * Makes one request of an upload, again if it fails in a way that passes. `bytes` is how many of the body it carries, and
 * `undefined` for one that carries none.
 */
export type Attempt = <T>(one: (signal: AbortSignal) => Promise<T>, bytes?: number) => Promise<T>

/** The options of {@link uploadInParts}. */
export interface UploadOptions extends PutOptions {
  /** Default: each request is made once. */
  readonly attempt?: Attempt | undefined
}

/**
 * Writes a body of any length in parts, in constant memory: that of the parts under way, and of one that is being filled.
 * However short the body is, it is one part at least.
 */
export function uploadInParts(
  parts: UploadInParts,
  key: string,
  body: Body,
  options: UploadOptions = {},
): Promise<ObjectMeta> {
  return withBlocks(parts, body, options, (blocks, sending) => sendParts(undefined, blocks, key, sending))
}

/** As {@link uploadInParts}, but a body that fits the first part is given to `whole`. */
export function uploadUnlessShort(
  parts: UploadInParts,
  key: string,
  body: Body,
  options: UploadOptions,
  whole: (bytes: Uint8Array, signal: AbortSignal) => Promise<ObjectMeta>,
): Promise<ObjectMeta> {
  return withBlocks(parts, body, options, async (blocks, sending) => {
    const first = await nextOf(blocks)
    if (!first.last) return sendParts(first, blocks, key, sending)
    return sending.attempt((signal) => whole(first.bytes, signal), first.bytes.length)
  })
}

interface Sending {
  readonly parts: UploadInParts
  readonly when: PutOptions["when"]
  readonly attempt: Attempt
  readonly signal: AbortSignal | undefined
  /** Ends what is under way, and the wait for the source, once something has failed. */
  readonly stop: AbortController
  /** Memory of parts that were sent, for the next ones. */
  readonly spare: Uint8Array[]
}

type Blocks = AsyncGenerator<Block, void, void>

async function withBlocks(
  parts: UploadInParts,
  body: Body,
  { when, size, signal, attempt }: UploadOptions,
  send: (blocks: Blocks, sending: Sending) => Promise<ObjectMeta>,
): Promise<ObjectMeta> {
  signal?.throwIfAborted()
  const spare: Uint8Array[] = []
  // A source may be silent for long: the wait for it ends with the first failure of what is sent meanwhile.
  const stop = new AbortController()
  const ends = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  const blockBytes = (index: number) => parts.partBytes(index, size)
  const blocks = blocksOf(body, { blockBytes, size, signal: ends, spare })
  const once: Attempt = (one) => one(signal ?? new AbortController().signal)
  try {
    return await send(blocks, { parts, when, attempt: attempt ?? once, signal, stop, spare })
  } finally {
    // Not awaited: a source that hangs would hang this.
    blocks.return().then(undefined, () => {})
  }
}

const abandonMs = 5_000
const givenUp = new Error("the upload was given up")

async function sendParts(
  first: Block | undefined,
  blocks: Blocks,
  key: string,
  { parts, when, attempt, signal, stop, spare }: Sending,
): Promise<ObjectMeta> {
  const answers: unknown[] = []
  const underWay = new Set<Promise<void>>()
  const requests = new Requests(stop.signal)
  const failures: unknown[] = []
  const failed = (error: unknown) => {
    failures.push(error)
    stop.abort(givenUp)
  }
  const begun: unknown[] = []
  const beginning = attempt(async (s) => {
    const upload = await parts.begin(key, { when, signal: s })
    begun.push(upload)
    return upload
  })
  beginning.catch(failed)
  const send = (upload: unknown, part: UploadPart, memory: Uint8Array | undefined) => {
    let attempts = 0
    const sending = attempt((s) => {
      attempts++
      return requests.make(s, (one) => parts.part(upload, part, { signal: one }))
    }, part.bytes.length)
    // A part that waits for its next attempt is not waited for once another has failed.
    const sent: Promise<void> = untilAborted(sending, stop.signal)
      .then((answer) => {
        answers[part.index] = answer
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
    const upload = await beginning
    for (let index = 0; ; index++) {
      while (underWay.size >= parts.concurrency) await Promise.race(underWay)
      if (failures.length > 0) throw failures[0]
      const { bytes, last, memory } = block
      send(upload, { index, offset, bytes, last }, memory)
      offset += bytes.length
      if (last) break
      block = await nextOf(blocks)
    }
    await Promise.all(underWay)
    if (failures.length > 0) throw failures[0]
    signal?.throwIfAborted()
    completing = true
    return await attempt((s) => parts.complete(upload, answers, { size: offset, signal: s }))
  } catch (error) {
    stop.abort(givenUp)
    // Requests that are still under way could leave a part behind after the upload was given up.
    await Promise.all([...underWay, requests.settled()])
    // A completion whose outcome is unknown may still take effect: its upload is left to `leftovers`.
    const unknown = completing && !(error instanceof BackendError && error.kind !== "ambiguous")
    // What the beginning answers tells how to give the upload up.
    await untilAborted(beginning, AbortSignal.timeout(abandonMs)).catch(() => {})
    if (!unknown) await Promise.all(begun.map((one) => abandoned(parts, one)))
    // Whoever waited for the source heard only that something else had failed.
    throw error === givenUp ? failures[0] : error
  }
}

/** Requests that end with the upload, and can be waited for even if the attempt that made them was given up. */
class Requests {
  readonly #stop: AbortSignal
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(stop: AbortSignal) {
    // Each request that is under way listens.
    setMaxListeners(0, stop)
    this.#stop = stop
  }

  make<T>(signal: AbortSignal, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const asked = ask(AbortSignal.any([signal, this.#stop]))
    this.#underWay.add(asked)
    const forget = () => this.#underWay.delete(asked)
    asked.then(forget, forget)
    return asked
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }
}

async function abandoned(parts: UploadInParts, upload: unknown): Promise<void> {
  try {
    await parts.abandon(upload, { signal: AbortSignal.timeout(abandonMs) })
  } catch {
    // `leftovers` finds it.
  }
}
