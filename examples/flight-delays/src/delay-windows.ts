// Delays by distance band, over windows of one hour of departure time that move on by five minutes.
//
// A window is made of 12 panes of five minutes. Each pane has one sketch per band, and a window's sketch is the sum of
// its panes' sketches, so a flight is counted once and not once for each of the 12 windows that it is in.

import { addDelay, mergeInto, SKETCH_LENGTH, summarize } from "./delay-sketch.js"
import type { Flight } from "./flights.js"

const PANE_MINUTES = 5
const PANES = 12

/** In miles, each up to but not including the next one's start. */
export const bands = ["0-250", "250-500", "500-1000", "1000-1500", "1500+"] as const
const bandEnds = [250, 500, 1000, 1500]

const BANDS_LENGTH = bands.length * SKETCH_LENGTH

/** The state that must survive a crash. Every number is an integer below 2^53, so equal flights give equal bytes. */
export class DelayWindows {
  /** One sketch per band, over all flights so far. */
  readonly #day: Float64Array
  /** The number of the open pane (0 starts at midnight), then a ring of panes, each with one sketch per band. */
  readonly #panes: Float64Array

  constructor(day = new Float64Array(BANDS_LENGTH), panes = new Float64Array(1 + PANES * BANDS_LENGTH)) {
    if (day.length !== BANDS_LENGTH || panes.length !== 1 + PANES * BANDS_LENGTH) {
      throw new RangeError(`this state is of another version: ${day.length} and ${panes.length} numbers`)
    }
    this.#day = day
    this.#panes = panes
  }

  /** From the bytes of `day` and `panes`. They hold the machine's own byte order: move them between like machines. */
  static restore(day: Uint8Array, panes: Uint8Array): DelayWindows {
    // Copied (a Buffer's slice() would not copy), since eight-byte numbers must start at a multiple of eight bytes.
    return new DelayWindows(
      new Float64Array(new Uint8Array(day).buffer),
      new Float64Array(new Uint8Array(panes).buffer),
    )
  }

  get day(): Uint8Array {
    return bytesOf(this.#day)
  }

  get panes(): Uint8Array {
    return bytesOf(this.#panes)
  }

  /** Minutes after midnight up to which every window was closed. */
  get watermark(): number {
    return this.#openPane * PANE_MINUTES
  }

  /** Closes the panes that end at or before `minute`. Returns a line of output per band for each window that ended. */
  advanceTo(minute: number): string[] {
    const lines: string[] = []
    while (this.watermark + PANE_MINUTES <= minute) lines.push(...this.#closePane())
    return lines
  }

  add(flight: Flight): void {
    if (Math.floor(flight.minute / PANE_MINUTES) !== this.#openPane) {
      throw new RangeError(
        `a flight of minute ${flight.minute} is not in the open pane, which starts at ${this.watermark}`,
      )
    }
    const end = bandEnds.findIndex((miles) => flight.distance < miles)
    const band = end === -1 ? bandEnds.length : end
    addDelay(this.#day.subarray(band * SKETCH_LENGTH, (band + 1) * SKETCH_LENGTH), flight.delay)
    addDelay(this.#pane(this.#openPane, band), flight.delay)
  }

  /** At the end of the input: the window that ends with the open pane, and a line per band for the whole day. */
  finish(): string[] {
    const lines = this.#closePane()
    for (const [band, name] of bands.entries()) {
      const summary = summarize(this.#day.subarray(band * SKETCH_LENGTH, (band + 1) * SKETCH_LENGTH))
      if (summary !== undefined) lines.push(JSON.stringify({ window: "day", miles: name, ...summary }))
    }
    return lines
  }

  get #openPane(): number {
    return this.#panes[0] ?? 0
  }

  #pane(pane: number, band: number): Float64Array {
    const start = 1 + (pane % PANES) * BANDS_LENGTH + band * SKETCH_LENGTH
    return this.#panes.subarray(start, start + SKETCH_LENGTH)
  }

  #closePane(): string[] {
    const lines: string[] = []
    const last = this.#openPane
    const first = Math.max(0, last - PANES + 1)
    const window = `${clock(first * PANE_MINUTES)}-${clock((last + 1) * PANE_MINUTES)}`
    for (const [band, miles] of bands.entries()) {
      const sketch = new Float64Array(SKETCH_LENGTH)
      for (let pane = first; pane <= last; pane++) mergeInto(sketch, this.#pane(pane, band))
      const summary = summarize(sketch)
      if (summary !== undefined) lines.push(JSON.stringify({ window, miles, ...summary }))
    }
    this.#panes[0] = last + 1
    for (const band of bands.keys()) this.#pane(last + 1, band).fill(0)
    return lines
  }
}

function bytesOf(numbers: Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`
}
