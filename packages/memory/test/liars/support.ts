import {
  BackendError,
  type GetOptions,
  type ObjectBackend,
  type ObjectContent,
  type ObjectMeta,
  type RequestOptions,
} from "@ckpt/core"
import { recyclerOf } from "@ckpt/core/adapter"
import { collect, type Mutant } from "../mutants/support.js"

/** A backend that lies in one way, and the cases that must see it. */
export interface Liar extends Mutant {
  /** The cases of the suite that it must fail, by name. */
  readonly caughtBy: readonly string[]
}

/** A body that gives these chunks, then ends. */
export async function* chunks(...all: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all
}

/** The body, which rejects when its reader has aborted it. */
function abortable(body: AsyncIterable<Uint8Array>, options: RequestOptions | undefined): AsyncIterable<Uint8Array> {
  const passing = (async function* () {
    for await (const chunk of body) {
      options?.signal?.throwIfAborted()
      yield chunk
    }
    options?.signal?.throwIfAborted()
  })()
  const recycle = recyclerOf(body)
  return recycle === undefined ? passing : Object.assign(passing, { recycle })
}

/** An object with all its bytes, and the part of them that a get asked for. */
export interface Whole {
  readonly key: string
  readonly meta: ObjectMeta
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  readonly options: GetOptions
}

/** The answer to a get. */
async function wholeOf(real: ObjectBackend, key: string, options: GetOptions = {}): Promise<Whole | undefined> {
  const { range, ...rest } = options
  const content = await real.get(key, rest)
  if (content === undefined) return undefined
  const bytes = await collect(content.body, options)
  const start = range?.offset ?? 0
  if (start > bytes.length) throw new BackendError("precondition", `${key} has ${bytes.length} bytes, none at ${start}`)
  const end = Math.min(bytes.length, start + (range?.length ?? bytes.length))
  return { key, meta: content.meta, bytes, start, end, options }
}

/** A `get` that makes its body by itself, from all bytes of the object. */
export function giving(
  real: ObjectBackend,
  body: (whole: Whole) => Uint8Array | AsyncIterable<Uint8Array>,
): Pick<ObjectBackend, "get"> {
  return {
    async get(key, options) {
      const whole = await wholeOf(real, key, options)
      if (whole === undefined) return undefined
      const given = body(whole)
      return { meta: whole.meta, body: abortable(given instanceof Uint8Array ? chunks(given) : given, options) }
    },
  }
}

/** The content with a body that runs `closed` once, when it was read to its end, failed, or was given up. */
export function closing(content: ObjectContent, closed: (how: "end" | "return") => void): ObjectContent {
  const iterator = content.body[Symbol.asyncIterator]()
  return {
    ...content,
    body: {
      [Symbol.asyncIterator]: () => ({
        async next() {
          const step = await iterator.next().catch((error: unknown) => {
            closed("end")
            throw error
          })
          if (step.done) closed("end")
          return step
        },
        async return() {
          closed("return")
          return (await iterator.return?.()) ?? { done: true, value: undefined }
        },
      }),
    },
  }
}

/** A fixed number of slots. Whoever finds none waits until one is given back. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves with the function that gives the slot back. */
  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    let held = true
    return () => {
      if (!held) return
      held = false
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}
