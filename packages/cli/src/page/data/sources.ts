import { CheckpointError, type CheckpointManifest } from "@ckpt/core"
import { lagOf } from "../../looking/times.js"
import type { Door } from "../door.js"
import type { Seen } from "../status.js"
import { nameText, shortened } from "../text.js"
import { type Span, sampled } from "./sample.js"
import type { SourcesData } from "./shapes.js"

/** What is kept of a manifest. */
interface Position {
  readonly lastModified: number
  readonly offsets: ReadonlyMap<string, number | null>
  readonly watermark: number | null
  readonly lag: number | null
}

const most = 300
const atOnce = 8
const keptPositions = 5_000
/** Nobody waits longer for a chart: what is there by then is drawn. */
const deadlineMs = 5_000
const shownSources = 7

/** Reads manifests for their offsets, which no listing has. Some hundred at most for a chart; what was read is kept. */
export class SourceReader {
  readonly #door: Door
  readonly #kept = new Map<number, Position>()
  readonly #closing = new AbortController()
  readonly #reading = new Set<Promise<unknown>>()

  constructor(door: Door) {
    this.#door = door
  }

  async data(checkpoints: readonly Seen[], span: Span): Promise<SourcesData> {
    const { taken, of } = sampled(checkpoints, span, most)
    const missing = taken.filter((one) => this.#position(one) === undefined)
    const partial = await this.#read(missing)
    const positions = taken.map((one) => this.#position(one))
    const names = furthest(positions).slice(0, shownSources)
    return {
      ids: taken.map(({ id }) => id),
      times: taken.map(({ time }) => time),
      names: names.map((name) => shortened(nameText(name))),
      offsets: names.map((name) => positions.map((position) => position?.offsets.get(name) ?? null)),
      lags: positions.map((position) => position?.lag ?? null),
      watermarks: positions.map((position) => position?.watermark ?? null),
      of,
      partial,
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new CheckpointError("CKPT_CLOSED", "ckpt serve is ending."))
    await Promise.allSettled(this.#reading)
  }

  #position({ id, lastModified }: Seen): Position | undefined {
    const kept = this.#kept.get(id)
    return kept?.lastModified === lastModified.getTime() ? kept : undefined
  }

  /** True if the time was too short for all. */
  async #read(checkpoints: readonly Seen[]): Promise<boolean> {
    const left = [...checkpoints].reverse()
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(deadlineMs)])
    let isLate = false
    const worker = async () => {
      for (let one = left.pop(); one !== undefined && !isLate; one = left.pop()) {
        const position = await this.#load(one, signal).catch((error: unknown) => {
          if (signal.aborted) isLate = true
          else if (!(error instanceof CheckpointError && error.code === "CKPT_CORRUPT")) throw error
        })
        // A damaged manifest has no position: it is not asked for again.
        if (!isLate)
          this.#keep(
            one.id,
            position ?? { lastModified: one.lastModified.getTime(), offsets: new Map(), watermark: null, lag: null },
          )
      }
    }
    const reading = Promise.all(Array.from({ length: atOnce }, worker))
    this.#reading.add(reading)
    await reading.finally(() => this.#reading.delete(reading))
    return isLate
  }

  async #load({ id, lastModified }: Seen, signal: AbortSignal): Promise<Position | undefined> {
    const { store } = await this.#door.open(signal)
    const manifest = await store.load(id, { signal })
    if (manifest === undefined) return undefined
    const watermark = manifest.watermark === null ? null : Number(manifest.watermark)
    return { lastModified: lastModified.getTime(), offsets: sums(manifest), watermark, lag: lagOf(manifest) ?? null }
  }

  #keep(id: number, position: Position): void {
    this.#kept.delete(id)
    this.#kept.set(id, position)
    if (this.#kept.size <= keptPositions) return
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest)
      break
    }
  }
}

/** The sum of the offsets of each source; null if one of them is no whole number. */
function sums({ sourceOffsets }: CheckpointManifest): Map<string, number | null> {
  const found = new Map<string, number | null>()
  for (const [name, { offsets }] of Object.entries(sourceOffsets)) {
    const values = Object.values(offsets)
    const areNumbers = values.length > 0 && values.every((text) => /^-?\d{1,30}$/.test(text))
    found.set(name, areNumbers ? Number(values.reduce((sum, text) => sum + BigInt(text), 0n)) : null)
  }
  return found
}

function furthest(positions: readonly (Position | undefined)[]): string[] {
  const ends = new Map<string, { low: number; high: number }>()
  for (const position of positions) {
    for (const [name, offset] of position?.offsets ?? []) {
      if (offset === null) continue
      const end = ends.get(name)
      if (end === undefined) ends.set(name, { low: offset, high: offset })
      else {
        end.low = Math.min(end.low, offset)
        end.high = Math.max(end.high, offset)
      }
    }
  }
  return [...ends].sort(([a, x], [b, y]) => y.high - y.low - (x.high - x.low) || (a < b ? -1 : 1)).map(([name]) => name)
}
