import { onNews } from "../live.js"
import { askForJson } from "../request.js"
import type { Range, Span } from "./range.js"

interface Sampled {
  readonly times: readonly number[]
  readonly of: number
}

const settleMs = 250
/** Nearer than this part of what was fetched, finer data are asked for. */
const nearer = 1 / 4

/** Data of which the server sends some: those that are shown are asked for anew, and finer, when the reader comes nearer. */
export async function followRange<T extends Sampled>(
  source: string,
  range: Range,
  show: (data: T) => void,
): Promise<void> {
  let whole = await askForJson<T>(source)
  let fetched: Span | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  range.setWhole(whole.times)
  show(whole)
  const finer = async () => {
    const { from, to } = range.now
    const had = fetched ?? range.whole
    const isInside = from >= had.from && to <= had.to
    if (range.isWhole) {
      if (fetched === undefined) return
      fetched = undefined
      show(whole)
    } else if (!isInside || (whole.of > whole.times.length && to - from < (had.to - had.from) * nearer)) {
      const around = { from: Math.floor(from - (to - from) / 2), to: Math.ceil(to + (to - from) / 2) }
      show(await askForJson<T>(`${source}?from=${around.from}&to=${around.to}`))
      fetched = around
    }
  }
  range.onChange(() => {
    clearTimeout(timer)
    timer = setTimeout(finer, settleMs)
  })
  if (!range.isWhole) await finer()
  onNews(async () => {
    whole = await askForJson<T>(source)
    range.setWhole(whole.times)
    fetched = undefined
    show(whole)
  })
}

/** Says that not all are drawn. */
export function note(root: Element, { times, of }: Sampled, more = ""): void {
  const place = root.querySelector("[data-note]")
  if (place === null) return
  const some =
    times.length < of ? `${times.length} of ${of} checkpoints are drawn, evenly taken; zoom in for more. ` : ""
  place.textContent = `${some}${more}Drag to pan, Ctrl and wheel or + − to zoom, double click to show all.`
}
