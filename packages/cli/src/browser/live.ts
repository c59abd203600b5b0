import type { News } from "../page/data/shapes.js"
import { askForPage } from "./request.js"
import { showTimes } from "./times.js"

const listeners = new Set<() => void | Promise<void>>()
let events: EventSource | undefined

/** While the page is seen, it hears of every look, and renews what is marked as live. A hidden page keeps no connection. */
export function startLive(): void {
  const follow = () => {
    if (document.hidden) {
      events?.close()
      events = undefined
    } else {
      events ??= listen()
    }
  }
  follow()
  document.addEventListener("visibilitychange", follow)
  for (const form of document.querySelectorAll<HTMLFormElement>("form[action$='/look']")) takeOver(form)
}

/** Calls the listener when there is something new to draw. */
export function onNews(listener: () => void | Promise<void>): void {
  listeners.add(listener)
}

function listen(): EventSource {
  const source = new EventSource(`${document.body.dataset["base"] ?? "/"}live`)
  // What this page shows, as the server said when it sent it.
  let before = document.body.dataset["state"]
  source.addEventListener("state", ({ data }: MessageEvent<string>) => {
    const { state, looked } = JSON.parse(data) as News
    say("live")
    for (const place of document.querySelectorAll<HTMLElement>("[data-looked] time")) {
      const at = looked[place.parentElement?.dataset["looked"] ?? ""]
      if (at !== undefined) place.dataset["ms"] = String(at)
    }
    if (state !== before) renewSoon()
    before = state
  })
  source.addEventListener("error", () => say("not connected"))
  return source
}

function say(text: string): void {
  const place = document.getElementById("live")
  if (place === null) return
  place.textContent = text
  place.classList.toggle("off", text !== "live")
}

/** While a store is verified, there is news many times in a second: so often nobody reads. */
const restMs = 1_000
let soon: "none" | "running" | "again" = "none"

function renewSoon(): void {
  if (soon !== "none") {
    soon = "again"
    return
  }
  soon = "running"
  const next = () => {
    const isDue = soon === "again"
    soon = "none"
    if (isDue) renewSoon()
  }
  void renew().finally(() => setTimeout(next, restMs))
}

/** Asks for this page again, and puts its live parts into this one. */
export async function renew(): Promise<void> {
  const page = await askForPage(location.href).catch(() => undefined)
  for (const old of document.querySelectorAll<HTMLElement>("[data-live]")) {
    const found = page?.getElementById(old.id)
    if (found == null) continue
    replace(old, document.adoptNode(found))
  }
  // What fails now is asked for again with the next news.
  for (const listener of listeners) void Promise.resolve(listener()).catch(() => {})
}

/** What has the focus keeps it, and what was scrolled stays so. */
function replace(old: HTMLElement, next: HTMLElement): void {
  const active = old.contains(document.activeElement) ? document.activeElement : null
  const href = active?.getAttribute("href")
  const scrolled = old.querySelector(".scroll")?.scrollLeft ?? 0
  showTimes(next)
  old.replaceWith(next)
  for (const form of next.querySelectorAll<HTMLFormElement>("form[action$='/look']")) takeOver(form)
  next.querySelector(".scroll")?.scrollTo({ left: scrolled })
  if (active === null) return
  const same =
    href == null
      ? next.querySelector<HTMLElement>(`${active.tagName}${active.className === "" ? "" : `.${active.classList[0]}`}`)
      : [...next.querySelectorAll<HTMLElement>("a")].find((one) => one.getAttribute("href") === href)
  same?.focus({ preventScroll: true })
}

/** To look again needs no new page. */
function takeOver(form: HTMLFormElement): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault()
    void askForPage(form.action, new FormData(form)).then(renew, renew)
  })
}
