/**
 * @typedef {object} Table
 * @property {string} title
 * @property {string[]} columns
 * @property {string[][]} rows
 * @property {string[]} [notes]
 */

/**
 * The table in Markdown, which is also readable as plain text.
 *
 * @param {Table} table
 * @param {string} heading
 */
export function markdown({ title, columns, rows, notes = [] }, heading = "###") {
  const all = [columns, ...rows]
  const widths = columns.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)))
  /** @param {string[]} row */
  const line = (row) => `| ${widths.map((width, column) => pad(row[column] ?? "", width, column)).join(" | ")} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`
  const body = [line(columns), rule, ...rows.map(line)].join("\n")
  const after = notes.length > 0 ? `\n\n${notes.map((note) => `- ${note}`).join("\n")}` : ""
  return `${heading} ${title}\n\n${body}${after}\n`
}

/**
 * @param {string} text
 * @param {number} width
 * @param {number} column
 */
function pad(text, width, column) {
  return column === 0 ? text.padEnd(width) : text.padStart(width)
}

/** @param {number} value */
export function number(value) {
  if (!Number.isFinite(value)) return "–"
  if (value >= 100) return value.toFixed(0)
  if (value >= 10) return value.toFixed(1)
  return value.toFixed(2)
}

/** @param {import("./stats.mjs").Spread} spread */
export function spreadText({ median, q1, q3 }) {
  return `${number(median)} [${number(q1)}–${number(q3)}]`
}
