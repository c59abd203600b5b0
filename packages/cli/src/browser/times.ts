import { durationText } from "../output/amounts.js"

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
