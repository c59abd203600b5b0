import { setMaxListeners } from "node:events"
import { Follower } from "../async/abort.js"
import { Breather } from "../async/breather.js"
import { Arriving } from "./arriving.js"
import type { ObjectBackend, ObjectMeta, ParallelRanges } from "./backend.js"
import { Connections } from "./connections.js"
import { RangePlan } from "./range-plan.js"
import { type ByteStream, readBody, type StreamedObject } from "./read-object.js"

export interface StreamOptions {
  readonly offset?: number
  /** Bytes at most, default all up to the end. */
  readonly length?: number
  readonly version?: string
  /** As one body, however large: it alone is covered by the checksum of a storage that has one for whole objects only. */
  readonly inOneBody?: boolean
  readonly signal?: AbortSignal | undefined
  /** What it throws ends the stream. */
  readonly onOpen?: ((meta: ObjectMeta) => void) | undefined
}

/** How the backend reads in several ranges at once; `undefined` where one request is as fast. */
export function rangesOf({ capabilities }: ObjectBackend): ParallelRanges | undefined {
  return (capabilities.ranges?.concurrency ?? 0) > 1 ? capabilities.ranges : undefined
}

/** The longest read that always comes as one body, which the checksum of the storage may cover. */
export function longestInOneBody({ bytes }: ParallelRanges): number {
  return 2 * bytes
}

/**
 * The bytes of an object in order. It is asked for once, from the start to the end. While the reader waits for a slow line
 * (see {@link Connections}), that answer is cut, and what follows comes in ranges beside it (see {@link RangePlan}). The first
 * ranges are short, so that they arrive soon and show whether they help; later ones are long, since each costs a round trip. A
 * range goes on by itself where it was interrupted. All are of the version that the first answer had.
 */
export async function* streamObject(source: StreamedObject, options: StreamOptions): ByteStream {
  const { offset: start = 0, length, version, signal, onOpen } = options
  const wanted = length === undefined ? undefined : start + length
  const ranges = rangesOf(source.backend)
  const whole = { start, end: wanted, version, onOpen }
  if (ranges === undefined || options.inOneBody === true) return yield* readBody(source, whole, signal)

  const stop = new Follower(signal)
  // One for each request that is under way.
  setMaxListeners(0, stop.signal)
  const connections = new Connections(ranges.concurrency)
  const wait = <T>(coming: Promise<T>) => connections.wait(source.context.clock, coming)
  const plan = new RangePlan(ranges)
  const others: Arriving[] = []
  let [end, pinned] = [Number.POSITIVE_INFINITY, version]
  let given = start
  let inUse = 1
  const ask = () => {
    if (end - start <= longestInOneBody(ranges)) return
    while (inUse < connections.allowed && !stop.signal.aborted) {
      const range = plan.next(given, end)
      if (range === undefined) return
      const stream = readBody({ ...source, recycles: false }, { ...range, version: pinned }, stop.signal)
      others.push(new Arriving(stream, { onChunk, onEnd, signal }))
      inUse++
    }
  }
  const onChunk = (bytes: number, isFirst: boolean) => connections.arrived(bytes, isFirst)
  const onEnd = () => {
    inUse--
    ask()
  }
  const opened = (meta: ObjectMeta) => {
    onOpen?.(meta)
    pinned = meta.version
    end = Math.min(wanted ?? meta.size, meta.size)
  }
  const first = readBody(source, { ...whole, onOpen: opened, cut: plan.cut }, signal)
  try {
    for (let isFirst = true; ; isFirst = false) {
      const step = await wait(first.next())
      if (step.done) {
        if (step.value === "gone") return "gone"
        break
      }
      onChunk(step.value.length, isFirst)
      given += step.value.length
      ask()
      yield step.value
    }
    onEnd()
    const breather = new Breather()
    for (let next = others.shift(); next !== undefined; next = others.shift()) {
      for (const stream = next.read(breather, wait); ; ) {
        const step = await stream.next()
        if (step.done) {
          if (step.value === "gone") return "gone"
          break
        }
        given += step.value.length
        ask()
        yield step.value
      }
    }
    return "complete"
  } finally {
    stop.end()
    await first.return("complete")
  }
}
