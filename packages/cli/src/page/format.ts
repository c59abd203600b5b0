/** Numbers and times as the page shows them. Every text has a fixed form, so that columns align. */

/** Example: `12,345`. */
export function count(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",")
}

/** Example: `2026-11-29 13:41:18`, of UTC. A time that no calendar has is shown as its number. */
export function utc(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString().slice(0, 19).replace("T", " ")
}
