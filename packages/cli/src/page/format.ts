/** Numbers and times as the page shows them. Every text has a fixed form, so that columns align. */

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]

/** Example: `277.3 KiB`. */
export function bytesText(bytes: number): string {
  let unit = 0
  let value = bytes
  while (Math.abs(value) >= 999.95 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** Example: `+277.3 KiB`. */
export function signedBytes(bytes: number): string {
  return bytes > 0 ? `+${bytesText(bytes)}` : bytes < 0 ? `−${bytesText(-bytes)}` : "±0 B"
}

/** Example: `12,345`. */
export function count(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",")
}

/** "1 checkpoint", "2 checkpoints". */
export function countOf(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`
}

/** Example: `4 min`; two units below ten: `3 h 20 min`. */
export function duration(ms: number): string {
  const sign = ms < 0 ? "−" : ""
  const abs = Math.abs(ms)
  if (abs < 1_000) return `${sign}${Math.round(abs)} ms`
  if (abs < 60_000) return `${sign}${(abs / 1_000).toFixed(abs < 10_000 ? 1 : 0)} s`
  for (const [name, size, smaller, part] of parts) {
    if (abs < size) continue
    const whole = Math.floor(abs / size)
    const rest = Math.floor((abs % size) / part)
    return `${sign}${whole} ${name}${whole < 10 && rest > 0 ? ` ${rest} ${smaller}` : ""}`
  }
  return `${sign}${Math.round(abs / 1_000)} s`
}

const parts = [
  ["d", 86_400_000, "h", 3_600_000],
  ["h", 3_600_000, "min", 60_000],
  ["min", 60_000, "s", 1_000],
] as const

/** Example: `2026-11-29 13:41:18`, of UTC. A time that no calendar has is shown as its number. */
export function utc(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString().slice(0, 19).replace("T", " ")
}
