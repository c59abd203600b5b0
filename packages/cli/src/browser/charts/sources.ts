import { durationText } from "../../output/amounts.js"
import type { SourcesData } from "../../page/data/shapes.js"
import { timeText } from "../times.js"
import { colour, seriesColour, seriesLegend } from "./colours.js"
import { figureOf, openCheckpoint } from "./dom.js"
import { Plot } from "./plot.js"
import { Range } from "./range.js"
import { followRange, note } from "./sampled.js"
import { secondSteps } from "./steps.js"
import type { Columns } from "./uplot.js"

const mostSeries = 8
const millisecondSteps = secondSteps.map((seconds) => seconds * 1_000)

/** How far each source was read, and how far the watermark lay behind. */
export async function sources(root: HTMLElement): Promise<void> {
  const range = new Range()
  let data: SourcesData | undefined
  let moved: (number | null)[][] = []
  let asLag = true
  const open = (at: number) => openCheckpoint(data?.ids[at])
  const head = (at: number) => [`${data?.ids[at]}`, timeText(data?.times[at] ?? 0)]
  const tellOffsets = (at: number) =>
    [
      ...head(at),
      ...(data?.names ?? []).slice(0, 4).map((name, index) => `${name} ${numberText(data?.offsets[index]?.[at])}`),
    ].join(" · ")
  const tellWatermark = (at: number) => {
    const [lag, mark] = [data?.lags[at], data?.watermarks[at]]
    return [
      ...head(at),
      asLag ? (lag == null ? "no watermark" : `${durationText(lag)} behind`) : numberText(mark),
    ].join(" · ")
  }
  const series = Array.from({ length: mostSeries }, (_, at) => ({
    ...{ stroke: () => seriesColour(at), width: 1.75, spanGaps: true, points: { show: false } },
  }))
  const offsets = new Plot(figureOf(root, "offsets"), { range, series, format: compact, tell: tellOffsets, open })
  const line = {
    stroke: () => colour("accent"),
    fill: () => colour("line-fill"),
    width: 1.5,
    spanGaps: true,
    points: { show: false },
  }
  const format = (value: number) =>
    asLag ? (value < 0 ? `−${durationText(-value)}` : durationText(value)) : compact(value)
  const watermark = new Plot(figureOf(root, "watermark"), {
    range,
    series: [line],
    format,
    steps: millisecondSteps,
    tell: tellWatermark,
    open,
  })
  await followRange<SourcesData>(root.dataset["src"] ?? "", range, (next) => {
    data = next
    asLag = next.lags.some((lag) => lag !== null)
    moved = next.offsets.map((row) => sinceFirst(row))
    const xs = next.times.map((time) => time / 1_000)
    const rows = Array.from({ length: mostSeries }, (_, at) => moved[at] ?? xs.map(() => null))
    offsets.set([xs, ...rows] as Columns)
    watermark.set([xs, [...(asLag ? next.lags : sinceFirst(next.watermarks))]])
    seriesLegend(root, next.names)
    const title = figureOf(root, "watermark").querySelector("figcaption")?.firstChild
    if (title != null)
      title.textContent = asLag ? "Watermark behind the checkpoint " : "Watermark since the first checkpoint shown "
    const without = next.names.length === 0 && next.times.length > 0 ? "No source has offsets that are numbers. " : ""
    note(root, next, `${without}${next.partial ? "The storage is slow: not all offsets were read yet. " : ""}`)
  })
}

function sinceFirst(row: readonly (number | null)[]): (number | null)[] {
  const first = row.find((value) => value !== null) ?? 0
  return row.map((value) => (value === null ? null : value - first))
}

function numberText(value: number | null | undefined): string {
  return value == null ? "–" : value.toLocaleString("en")
}

const compactForm = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 })

function compact(value: number): string {
  return compactForm.format(value)
}
