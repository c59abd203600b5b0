/** Times in the reader's zone, with UTC in the title; all in one width, so that nothing moves. */

const key = "ckpt-utc"
let inUtc = localStorage.getItem(key) === "1"
const listeners = new Set<() => void>()

export function startTimes(): void {
  showTimes(document)
  const button = document.querySelector<HTMLButtonElement>("[data-does=zone]")
  const show = () => {
    button?.setAttribute("aria-pressed", String(inUtc))
    if (button !== null) button.textContent = inUtc ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone
  }
  show()
  button?.addEventListener("click", () => {
    inUtc = !inUtc
    localStorage.setItem(key, inUtc ? "1" : "0")
    show()
    showTimes(document)
    for (const listener of listeners) listener()
  })
  setInterval(() => showAges(document), 1_000)
}

/** Calls the listener when the reader has chosen another zone. */
export function onZone(listener: () => void): void {
  listeners.add(listener)
}

export function isUtc(): boolean {
  return inUtc
}

/** Also for what is put into the page later. */
export function showTimes(root: ParentNode): void {
  for (const time of root.querySelectorAll<HTMLTimeElement>("time:not(.age)"))
    time.textContent = timeText(Date.parse(time.dateTime))
  showAges(root)
}

export function timeText(ms: number): string {
  const date = new Date(ms)
  const local = new Date(ms - (inUtc ? 0 : date.getTimezoneOffset() * 60_000))
  return local.toISOString().slice(0, 19).replace("T", " ")
}

function showAges(root: ParentNode): void {
  for (const time of root.querySelectorAll<HTMLTimeElement>("time.age")) {
    const text = durationText(Math.max(0, Date.now() - Number(time.dataset["ms"])))
    if (time.textContent !== text) time.textContent = text
  }
}

const parts = [
  ["d", 86_400_000, "h", 3_600_000],
  ["h", 3_600_000, "m", 60_000],
  ["m", 60_000, "s", 1_000],
] as const

/** As the server writes it. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  for (const [name, size, smaller, part] of parts) {
    if (ms < size) continue
    const rest = Math.floor((ms % size) / part)
    return `${Math.floor(ms / size)}${name}${rest === 0 ? "" : ` ${rest}${smaller}`}`
  }
  return `${Math.floor(ms / 1_000)}s`
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]

/** As the server writes it. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (Math.round(value) >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}
