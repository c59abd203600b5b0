import { onTheme } from "../theme.js"
import { isUtc, onZone, timeText } from "../times.js"
import { colour } from "./colours.js"
import type { Range } from "./range.js"
import type { Columns, UPlot } from "./uplot.js"

/** What one chart is made of. */
export interface PlotOptions {
  readonly range: Range
  readonly series: readonly Omit<UPlot.Series, "value">[]
  /** Values of the axis, as text. */
  readonly format: (value: number) => string
  /** The steps of the axis. Default: those of decimal numbers. */
  readonly steps?: number[]
  readonly logarithmic?: boolean
  /** The lowest value that is shown at the bottom. Default: 0. */
  readonly fromLowest?: boolean
  /** Draws below the lines, and above them. */
  readonly below?: (u: UPlot) => void
  readonly above?: (u: UPlot) => void
  /** What a checkpoint says, by its place in the columns. */
  readonly tell: (at: number) => string
  /** Opens a checkpoint, by its place in the columns. */
  readonly open: (at: number) => void
}

const axisWidth = 72
const wheelStep = 1.2
const nearPixels = 14
/** All charts of a page show the same moment. */
const sync = "ckpt"

/** One chart: it pans, zooms, and goes from checkpoint to checkpoint by keyboard. */
export class Plot {
  readonly #options: PlotOptions
  readonly #place: HTMLElement
  readonly #readout: HTMLElement | null
  readonly #u: UPlot
  #isDue = false

  constructor(figure: HTMLElement, options: PlotOptions) {
    this.#options = options
    this.#place = figure.querySelector<HTMLElement>(".plot") ?? figure
    this.#readout = figure.querySelector(".readout")
    this.#u = new uPlot(
      this.#uplotOptions(),
      [[], ...options.series.map(() => [])] as unknown as UPlot.AlignedData,
      this.#place,
    )
    new ResizeObserver(() => this.#resize()).observe(this.#place)
    options.range.onChange(() => this.draw())
    onTheme(() => this.draw())
    onZone(() => this.#u.redraw(false, true))
    this.#drag()
    this.#place.addEventListener("keydown", (event) => this.#key(event))
    this.#place.addEventListener("focus", () => this.#u.cursor.idx == null && this.#go(Number.POSITIVE_INFINITY))
  }

  set(columns: Columns): void {
    this.#u.setData(columns as UPlot.AlignedData, false)
    this.draw()
  }

  /** With the next frame, however often it is asked for before. */
  draw(): void {
    if (this.#isDue) return
    this.#isDue = true
    requestAnimationFrame(() => {
      this.#isDue = false
      const { from, to } = this.#options.range.now
      this.#u.setScale("x", { min: from / 1_000, max: to / 1_000 })
    })
  }

  #uplotOptions(): UPlot.Options {
    const { series, format, steps, logarithmic = false, below, above, fromLowest = false } = this.#options
    const axis = {
      stroke: () => colour("muted"),
      grid: { stroke: () => colour("grid"), width: 1 },
      ticks: { show: false },
    }
    const font = `11px ${getComputedStyle(document.body).fontFamily}`
    return {
      ...this.#size(),
      padding: [8, 8, 0, 0],
      legend: { show: false },
      tzDate: (seconds) => (isUtc() ? uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC") : new Date(seconds * 1_000)),
      cursor: {
        drag: { x: false, y: false, setScale: false },
        y: false,
        points: { show: false },
        sync: { key: sync, scales: ["x", null] },
      },
      scales: {
        x: { time: true, auto: false },
        y: { distr: logarithmic ? 3 : 1, range: (_, min, max) => bounds(min, max, logarithmic, fromLowest) },
      },
      axes: [
        { ...axis, font, size: 28, space: 84, values: times },
        {
          ...axis,
          font,
          size: axisWidth,
          values: (_, splits) => splits.map((value) => (value === null ? "" : format(value))),
          ...(steps === undefined ? {} : { incrs: steps }),
          space: 34,
          ...(logarithmic ? { filter: powers, grid: { ...axis.grid, filter: powers } } : {}),
        },
      ],
      series: [{}, ...series],
      hooks: {
        drawAxes: [(u) => below?.(u)],
        draw: [(u) => above?.(u)],
        setCursor: [(u) => this.#tell(u.cursor.idx)],
      },
    }
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(100, this.#place.clientWidth), height: this.#place.clientHeight }
  }

  #resize(): void {
    const { width, height } = this.#size()
    if (width !== this.#u.width || height !== this.#u.height) this.#u.setSize({ width, height })
  }

  #tell(at: number | null | undefined): void {
    if (this.#readout !== null)
      this.#readout.textContent = at == null || this.#u.data[0]?.[at] === undefined ? "" : this.#options.tell(at)
  }

  #drag(): void {
    const { over } = this.#u
    const { range, open } = this.#options
    let last: number | undefined
    let moved = 0
    over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return
      last = event.clientX
      moved = 0
      over.setPointerCapture(event.pointerId)
    })
    over.addEventListener("pointermove", (event) => {
      if (last === undefined) return
      moved += Math.abs(event.clientX - last)
      range.pan(((last - event.clientX) / over.clientWidth) * length(range))
      last = event.clientX
    })
    over.addEventListener("pointerup", (event) => {
      last = undefined
      const at = this.#u.cursor.idx
      if (moved > 3 || at == null) return
      const x = this.#u.valToPos(this.#u.data[0]?.[at] ?? 0, "x")
      if (Math.abs(x - (event.clientX - over.getBoundingClientRect().left)) <= nearPixels) open(at)
    })
    over.addEventListener("dblclick", () => range.show(undefined))
    over.addEventListener(
      "wheel",
      (event) => {
        // The wheel alone scrolls the page.
        if (event.ctrlKey || event.metaKey) {
          const left = event.clientX - over.getBoundingClientRect().left
          range.zoom(event.deltaY > 0 ? wheelStep : 1 / wheelStep, this.#u.posToVal(left, "x") * 1_000)
        } else if (event.deltaX !== 0 || event.shiftKey) {
          range.pan(((event.deltaX || event.deltaY) / over.clientWidth) * length(range))
        } else return
        event.preventDefault()
      },
      { passive: false },
    )
  }

  #key(event: KeyboardEvent): void {
    const { range, open } = this.#options
    const at = this.#u.cursor.idx ?? this.#u.data[0].length - 1
    const middle = (this.#u.data[0]?.[at] ?? 0) * 1_000 || (range.now.from + range.now.to) / 2
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: Number.NEGATIVE_INFINITY, End: Number.POSITIVE_INFINITY }[
      event.key
    ]
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (by !== undefined && event.shiftKey && Number.isFinite(by)) range.pan((by * length(range)) / 4)
    else if (by !== undefined) this.#go(at + by)
    else if (event.key === "+" || event.key === "=") range.zoom(0.5, middle)
    else if (event.key === "-" || event.key === "−") range.zoom(2, middle)
    else if (event.key === "0") range.show(undefined)
    else if (event.key === "Enter" && this.#u.cursor.idx != null) open(this.#u.cursor.idx)
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  /** To a checkpoint, which comes into view if it is not. */
  #go(to: number): void {
    const [xs] = this.#u.data
    const at = Math.min(Math.max(0, to), xs.length - 1)
    const x = xs[at]
    if (x === undefined) return
    const { range } = this.#options
    const { from, to: end } = range.now
    if (x * 1_000 < from || x * 1_000 > end) {
      range.show({ from: x * 1_000 - (end - from) / 2, to: x * 1_000 + (end - from) / 2 })
      const shown = range.now
      this.#u.setScale("x", { min: shown.from / 1_000, max: shown.to / 1_000 })
    }
    this.#u.setCursor({ left: this.#u.valToPos(x, "x"), top: 1 })
  }
}

function length({ now: { from, to } }: Range): number {
  return to - from
}

/** The axis of values: room above, and a bottom that does not jump. */
function bounds(min: number | null, max: number | null, logarithmic: boolean, fromLowest: boolean): [number, number] {
  if (min === null || max === null) return logarithmic ? [1, 10] : [0, 1]
  if (logarithmic)
    return [10 ** Math.floor(Math.log10(Math.max(min, 1e-3))), 10 ** Math.ceil(Math.log10(Math.max(max, 1e-3) * 1.2))]
  const bottom = fromLowest ? min : Math.min(0, min)
  const room = (max - bottom) * 0.12
  return [fromLowest ? bottom - room : bottom, max + (room || 1)]
}

/** Of a logarithmic axis, the powers of ten alone: the lines between them would be the most of the picture. */
function powers(_: UPlot, splits: number[]): (number | null)[] {
  return splits.map((value) => (Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6 ? value : null))
}

const day = 86_400

/** Times of the axis in one form: the day where it changes, otherwise hours and minutes, seconds if they matter. */
function times(_: UPlot, splits: number[], __: number, ___: number, step: number): string[] {
  let before = ""
  return splits.map((seconds) => {
    const text = timeText(seconds * 1_000)
    const [date, clock] = [text.slice(0, 10), text.slice(11)]
    const shown =
      step >= day
        ? date.slice(5)
        : date === before || before === ""
          ? step >= 60
            ? clock.slice(0, 5)
            : clock
          : date.slice(5)
    before = date
    return shown
  })
}
