import { operations } from "./growth.mjs"

const width = 300
const height = 260
const margin = { left: 52, top: 34, right: 28, bottom: 40 }
/** Distinct to colour-blind eyes; each line also has its name at its end, and a dash of its own. */
const looks = [
  { colour: "#0072b2", dash: "" },
  { colour: "#56b4e9", dash: "2 3" },
  { colour: "#d55e00", dash: "" },
  { colour: "#009e73", dash: "6 3" },
  { colour: "#cc79a7", dash: "1 2" },
]

/**
 * Milliseconds over the number of checkpoints, both in powers of ten: one panel for each storage. A line as steep as the grey one
 * grows as the number does.
 *
 * @param {readonly import("./growth.mjs").Growth[]} all
 */
export function growthPlot(all) {
  const ms = all.flatMap(({ rows }) => rows.flatMap(({ costs }) => Object.values(costs).map((cost) => cost.ms)))
  const counts = all.flatMap(({ rows }) => rows.map(({ count }) => count))
  const x = powers(Math.min(...counts), Math.max(...counts))
  const y = powers(Math.min(...ms), Math.max(...ms))
  const panels = all.map((growth, at) => panel(growth, at * (width + 8), { x, y }))
  const whole = all.length * (width + 8)
  const key = operations.map((name, at) => legend(name, at)).join("")
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${whole} ${height + 28}" width="${whole}" height="${height + 28}" font-family="sans-serif" font-size="11" role="img">
<title>Milliseconds of each operation over the number of checkpoints</title>
<rect width="100%" height="100%" fill="#fff"/>
${panels.join("\n")}
<g transform="translate(${margin.left} ${height + 12})">${key}</g>
</svg>
`
}

/**
 * Whole powers of ten around these values.
 *
 * @param {number} low
 * @param {number} high
 */
function powers(low, high) {
  const from = Math.floor(Math.log10(low))
  return { from, to: Math.max(from + 1, Math.ceil(Math.log10(high))) }
}

/**
 * @param {import("./growth.mjs").Growth} growth
 * @param {number} left
 * @param {{ x: { from: number, to: number }, y: { from: number, to: number } }} axes
 */
function panel({ storage, rows }, left, { x, y }) {
  const right = width - margin.right
  const bottom = height - margin.bottom
  const atX = (/** @type {number} */ value) =>
    margin.left + ((Math.log10(value) - x.from) / (x.to - x.from)) * (right - margin.left)
  const atY = (/** @type {number} */ value) =>
    bottom - ((Math.log10(value) - y.from) / (y.to - y.from)) * (bottom - margin.top)
  const parts = [`<text x="${margin.left}" y="18" font-weight="bold">${storage}</text>`]
  for (let power = x.from; power <= x.to; power++) {
    const at = atX(10 ** power).toFixed(1)
    parts.push(`<path d="M${at} ${margin.top}V${bottom}" stroke="#ddd"/>`)
    parts.push(`<text x="${at}" y="${bottom + 15}" text-anchor="middle">${(10 ** power).toLocaleString("en")}</text>`)
  }
  for (let power = y.from; power <= y.to; power++) {
    const at = atY(10 ** power).toFixed(1)
    parts.push(`<path d="M${margin.left} ${at}H${right}" stroke="#ddd"/>`)
    const text = power < 0 ? (10 ** power).toFixed(-power) : (10 ** power).toLocaleString("en")
    parts.push(`<text x="${margin.left - 5}" y="${Number(at) + 4}" text-anchor="end">${text}</text>`)
  }
  parts.push(`<text x="${(margin.left + right) / 2}" y="${bottom + 31}" text-anchor="middle">checkpoints</text>`)
  parts.push(
    `<text x="12" y="${(margin.top + bottom) / 2}" text-anchor="middle" transform="rotate(-90 12 ${(margin.top + bottom) / 2})">ms</text>`,
  )
  // As steep as the number of checkpoints, from the lower left corner.
  const reach = Math.min(x.to - x.from, y.to - y.from)
  parts.push(
    `<path d="M${atX(10 ** x.from).toFixed(1)} ${atY(10 ** y.from).toFixed(1)}L${atX(10 ** (x.from + reach)).toFixed(1)} ${atY(10 ** (y.from + reach)).toFixed(1)}" stroke="#999" stroke-width="4" opacity=".35"/>`,
  )
  for (const [at, name] of operations.entries()) {
    const points = rows.map(({ count, costs }) => `${atX(count).toFixed(1)},${atY(costs[name].ms).toFixed(1)}`)
    parts.push(
      `<polyline points="${points.join(" ")}" fill="none" stroke="${looks[at].colour}" stroke-width="2" stroke-dasharray="${looks[at].dash}"/>`,
    )
    for (const point of points) {
      const [cx, cy] = point.split(",")
      parts.push(`<circle cx="${cx}" cy="${cy}" r="2.5" fill="${looks[at].colour}"/>`)
    }
  }
  return `<g transform="translate(${left} 0)">${parts.join("")}</g>`
}

/**
 * @param {string} name
 * @param {number} at
 */
function legend(name, at) {
  const left = at * 150
  const { colour, dash } = looks[at]
  return `<path d="M${left} 0H${left + 26}" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/><text x="${left + 32}" y="4">${name}</text>`
}
