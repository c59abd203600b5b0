import { colour } from "./colours.js"
import type { UPlot } from "./uplot.js"

/** One letter of `TimelineData.kinds`. */
export type Kind = "v" | "u" | "d"

/** What is drawn for each checkpoint: its kind, and whether it is pinned. */
export interface Marked {
  readonly kinds: readonly Kind[]
  readonly pinned: ReadonlySet<number>
}

const size = 4
/** Where many lie together, one mark stands for a cell of so many pixels; each damaged or pinned one is drawn. */
const cell = 5

/** Draws a shape for each checkpoint that is in view: a disc, a ring, a cross, and a diamond around what is pinned. */
export function drawMarks(u: UPlot, series: number, { kinds, pinned }: Marked): void {
  const [xs] = u.data
  const ys = u.data[series] ?? []
  const { ctx, bbox } = u
  const ratio = devicePixelRatio
  const [first, last] = inView(u)
  const taken = new Set<number>()
  const paths = { v: new Path2D(), u: new Path2D(), d: new Path2D(), p: new Path2D() }
  const r = size * ratio
  for (let at = last; at >= first; at--) {
    const kind = kinds[at] ?? "u"
    const isPinned = pinned.has(at)
    const x = Math.round(u.valToPos(xs[at] ?? 0, "x", true))
    const y = Math.round(u.valToPos(ys[at] ?? u.scales["y"]?.min ?? 0, "y", true))
    const place =
      Math.floor(x / (cell * ratio)) * 65_536 +
      Math.floor(y / (cell * ratio)) * 8 +
      (kind === "d" ? 1 : 0) +
      (isPinned ? 2 : 0)
    if (taken.has(place)) continue
    taken.add(place)
    if (isPinned) diamond(paths.p, x, y, r * 2)
    if (kind === "d") cross(paths.d, x, Math.min(y, bbox.top + bbox.height - r), r)
    else {
      paths[kind].moveTo(x + r * 0.8, y)
      paths[kind].arc(x, y, r * 0.8, 0, Math.PI * 2)
    }
  }
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left - r, bbox.top - r, bbox.width + 2 * r, bbox.height + 2 * r)
  ctx.clip()
  ctx.lineWidth = 1.5 * ratio
  ctx.strokeStyle = colour("pinned")
  ctx.stroke(paths.p)
  ctx.fillStyle = colour("valid")
  ctx.fill(paths.v)
  ctx.fillStyle = colour("paper")
  ctx.fill(paths.u)
  ctx.strokeStyle = colour("unverified")
  ctx.stroke(paths.u)
  ctx.lineWidth = 2.5 * ratio
  ctx.strokeStyle = colour("damaged")
  ctx.stroke(paths.d)
  ctx.restore()
}

/** A line from the bottom up to each value in view: one for each column of pixels, as high as the highest there. */
export function drawStems(u: UPlot, series: number): void {
  const [xs] = u.data
  const ys = u.data[series] ?? []
  const { ctx, bbox } = u
  const [first, last] = inView(u)
  const wide = (bbox.width / Math.max(1, last - first + 1)) * 0.5
  const width = Math.round(Math.min(5 * devicePixelRatio, Math.max(devicePixelRatio, wide)))
  const tops = new Map<number, number>()
  for (let at = first; at <= last; at++) {
    const value = ys[at]
    if (value == null) continue
    const x = Math.round(u.valToPos(xs[at] ?? 0, "x", true))
    const y = Math.round(u.valToPos(value, "y", true))
    tops.set(x, Math.min(tops.get(x) ?? y, y))
  }
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  ctx.fillStyle = colour("line")
  const bottom = bbox.top + bbox.height
  for (const [x, y] of tops) ctx.fillRect(x - (width >> 1), Math.min(y, bottom - 1), width, Math.max(1, bottom - y))
  ctx.restore()
}

/** Shades the times without a checkpoint. */
export function drawGaps(u: UPlot, gaps: readonly (readonly [from: number, to: number])[]): void {
  const { ctx, bbox } = u
  const { min = 0, max = 0 } = u.scales["x"] ?? {}
  ctx.save()
  ctx.fillStyle = colour("gap")
  ctx.strokeStyle = colour("gap-line")
  ctx.lineWidth = devicePixelRatio
  for (const [from, to] of gaps) {
    if (to < (min ?? 0) || from > (max ?? 0)) continue
    const left = Math.max(bbox.left, u.valToPos(from, "x", true))
    const right = Math.min(bbox.left + bbox.width, u.valToPos(to, "x", true))
    ctx.fillRect(left, bbox.top, right - left, bbox.height)
    // Hatched as well: colour alone says nothing.
    ctx.beginPath()
    const step = 9 * devicePixelRatio
    for (let x = Math.ceil(left / step) * step; x < right; x += step) {
      ctx.moveTo(x, bbox.top + bbox.height)
      ctx.lineTo(Math.min(right, x + step * 0.6), bbox.top + bbox.height - step * 0.6)
    }
    ctx.stroke()
  }
  ctx.restore()
}

function inView(u: UPlot): [first: number, last: number] {
  const [xs] = u.data
  const { min, max } = u.scales["x"] ?? {}
  return [lowerBound(xs, (min ?? 0) - 1e-9), Math.min(xs.length - 1, lowerBound(xs, max ?? 0))]
}

function lowerBound(xs: ArrayLike<number>, value: number): number {
  let [low, high] = [0, xs.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((xs[middle] ?? value) < value) low = middle + 1
    else high = middle
  }
  return low
}

function diamond(path: Path2D, x: number, y: number, r: number): void {
  path.moveTo(x, y - r)
  path.lineTo(x + r, y)
  path.lineTo(x, y + r)
  path.lineTo(x - r, y)
  path.closePath()
}

function cross(path: Path2D, x: number, y: number, r: number): void {
  path.moveTo(x - r, y - r)
  path.lineTo(x + r, y + r)
  path.moveTo(x + r, y - r)
  path.lineTo(x - r, y + r)
}
