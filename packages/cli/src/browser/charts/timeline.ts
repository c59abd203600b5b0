import { bytesText, durationText } from "../../output/amounts.js"
import { gapFactor, median } from "../../page/data/gaps.js"
import type { TimelineData } from "../../page/data/shapes.js"
import { onNews } from "../live.js"
import { askForJson } from "../request.js"
import { timeText } from "../times.js"
import { colour } from "./colours.js"
import { figureOf, openCheckpoint } from "./dom.js"
import { drawGaps, drawMarks, drawStems, type Kind } from "./marks.js"
import { Plot } from "./plot.js"
import { Range } from "./range.js"
import { binarySteps, secondSteps } from "./steps.js"

interface Drawn {
  readonly ids: readonly number[]
  readonly bytes: readonly (number | null)[]
  /** Seconds since the checkpoint before; null for the first. */
  readonly intervals: readonly (number | null)[]
  readonly kinds: readonly Kind[]
  readonly pinned: ReadonlySet<number>
  readonly gaps: readonly (readonly [number, number])[]
  readonly xs: readonly number[]
  readonly pins: TimelineData["pins"]
}

const kindWords = { v: "valid", u: "unverified", d: "damaged" }
/** Of all intervals and the median, from which on only a logarithmic axis shows both. */
const wide = 20

/** Size and interval of each checkpoint. */
export async function timeline(root: HTMLElement): Promise<void> {
  const source = root.dataset["src"] ?? ""
  const range = new Range()
  let drawn = arrange(await askForJson<TimelineData>(source))
  range.setWhole(drawn.xs.map((x) => x * 1_000))
  const tell = (at: number) => {
    const [id, kind, bytes, interval] = [drawn.ids[at], drawn.kinds[at] ?? "u", drawn.bytes[at], drawn.intervals[at]]
    const pins = drawn.pins[String(id)]?.join(", ")
    const said = [`${id}`, kindWords[kind], timeText((drawn.xs[at] ?? 0) * 1_000)]
    if (bytes != null) said.push(bytesText(bytes))
    if (interval != null) said.push(`after ${durationText(interval * 1_000)}`)
    if (pins !== undefined) said.push(`pinned as ${pins}`)
    return said.join(" · ")
  }
  const open = (at: number) => openCheckpoint(drawn.ids[at])
  const line = { stroke: () => colour("line"), width: 1, spanGaps: true, points: { show: false } }
  const shared = { range, tell, open, below: (u: Parameters<typeof drawGaps>[0]) => drawGaps(u, drawn.gaps) }
  const sizes = new Plot(figureOf(root, "size"), {
    ...shared,
    ...{ series: [line], format: bytesText, steps: binarySteps },
    above: (u) => drawMarks(u, 1, drawn),
  })
  const usual = usualOf(drawn.intervals)
  const longest = drawn.intervals.reduce<number>((most, one) => Math.max(most, one ?? 0), 0)
  const intervals = new Plot(figureOf(root, "interval"), {
    ...shared,
    ...{
      series: [{ paths: () => null, points: { show: false } }],
      format: (value: number) => durationText(value * 1_000),
    },
    steps: secondSteps,
    above: (u) => drawStems(u, 1),
    logarithmic: usual !== undefined && usual > 0 && longest > usual * wide,
  })
  const show = () => {
    sizes.set([[...drawn.xs], [...drawn.bytes]])
    intervals.set([[...drawn.xs], [...drawn.intervals]])
  }
  show()
  onNews(async () => {
    drawn = arrange(await askForJson<TimelineData>(source))
    range.setWhole(drawn.xs.map((x) => x * 1_000))
    show()
  })
}

/** By time: a clock that was set back puts a later checkpoint before an earlier one. */
function arrange({ ids, times, bytes, kinds, pins }: TimelineData): Drawn {
  const order = ids.map((_, at) => at)
  if (times.some((time, at) => at > 0 && time < (times[at - 1] ?? 0)))
    order.sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b)
  const xs = order.map((at) => (times[at] ?? 0) / 1_000)
  const sorted = order.map((at) => (kinds[at] ?? "u") as Kind)
  const intervals = xs.map((x, at) => (at === 0 ? null : Math.max(1e-3, x - (xs[at - 1] ?? x))))
  const usual = usualOf(intervals)
  const gaps: [number, number][] = []
  for (const [at, interval] of intervals.entries()) {
    if (interval !== null && usual !== undefined && interval > usual * gapFactor)
      gaps.push([xs[at - 1] ?? 0, xs[at] ?? 0])
  }
  const pinned = new Set(order.flatMap((from, at) => (Object.hasOwn(pins, String(ids[from])) ? [at] : [])))
  // The size of what cannot be read is not known.
  const sizes = order.map((at, place) => (sorted[place] === "d" && bytes[at] === 0 ? null : (bytes[at] ?? null)))
  return { ids: order.map((at) => ids[at] ?? 0), xs, bytes: sizes, intervals, kinds: sorted, pinned, gaps, pins }
}

function usualOf(intervals: readonly (number | null)[]): number | undefined {
  return median(intervals.filter((one) => one !== null))
}
