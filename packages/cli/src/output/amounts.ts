// For the browser, too: it imports nothing.

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const

/** Bytes for people: `17 B`, `1.5 KiB`, `12 MiB`. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  // What would be printed as 1024 is one of the next unit.
  while (Math.round(value) >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit > 0 && value < 9.95 ? value.toFixed(1) : String(Math.round(value))
  return `${digits} ${units[unit]}`
}

/** A difference of bytes for people: `+277 KiB`, `−3 B`, `±0 B`. */
export function signedBytes(by: number): string {
  return by > 0 ? `+${bytesText(by)}` : by < 0 ? `−${bytesText(-by)}` : "±0 B"
}

/** Milliseconds for people, with two units at most: `350 ms`, `12s`, `3m 20s`, `2h 5m`, `4d 3h`. */
export function durationText(ms: number): string {
  if (ms < 0) return `-${durationText(-ms)}`
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.floor(ms / 1000)
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ]
  if (d > 0) return two(`${d}d`, h, "h")
  if (h > 0) return two(`${h}h`, m, "m")
  return m > 0 ? two(`${m}m`, s, "s") : `${s}s`
}

function two(first: string, count: number, unit: string): string {
  return count === 0 ? first : `${first} ${count}${unit}`
}
