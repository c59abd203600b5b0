import { bytesText } from "../../output/amounts.js"
import type { OperatorsData } from "../../page/data/shapes.js"
import { timeText } from "../times.js"
import { seriesColour, seriesLegend } from "./colours.js"
import { figureOf, openCheckpoint } from "./dom.js"
import { Plot } from "./plot.js"
import { Range } from "./range.js"
import { followRange, note } from "./sampled.js"
import { binarySteps } from "./steps.js"
import type { Columns } from "./uplot.js"

const mostSeries = 8

/** State by operator, stacked: the largest operator lies at the bottom. */
export async function state(root: HTMLElement): Promise<void> {
  const range = new Range()
  let data: OperatorsData | undefined
  const tell = (at: number) => {
    if (data === undefined) return ""
    const values = data.bytes.map((row) => row[at] ?? 0)
    const total = values.reduce((sum, bytes) => sum + bytes, 0)
    const shares = data.names.map((name, index) => `${name} ${bytesText(values[index] ?? 0)}`)
    return [`${data.ids[at]}`, timeText(data.times[at] ?? 0), bytesText(total), ...shares.slice(0, 4)].join(" · ")
  }
  // Each is filled down to the bottom, the highest first, so that the one below covers its part.
  const series = Array.from({ length: mostSeries }, (_, at) => {
    const own = mostSeries - 1 - at
    return { stroke: () => seriesColour(own), fill: () => seriesColour(own), width: 1, points: { show: false } }
  })
  const open = (at: number) => openCheckpoint(data?.ids[at])
  const plot = new Plot(figureOf(root, "state"), { range, series, format: bytesText, steps: binarySteps, tell, open })
  await followRange<OperatorsData>(root.dataset["src"] ?? "", range, (next) => {
    data = next
    plot.set(stacked(next))
    seriesLegend(root, next.names)
    note(root, next)
  })
}

function stacked({ times, bytes }: OperatorsData): Columns {
  const sums: (number | null)[][] = []
  for (let own = 0; own < mostSeries; own++) {
    const row = bytes[own]
    const below = sums[own - 1]
    sums.push(
      times.map((_, at) => (row === undefined ? null : row[at] == null ? null : (below?.[at] ?? 0) + (row[at] ?? 0))),
    )
  }
  return [times.map((time) => time / 1_000), ...sums.reverse()]
}
