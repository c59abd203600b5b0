import { bytesText, durationText } from "../output/amounts.js"
import type { JobProgress } from "../page/data/shapes.js"
import { renew } from "./live.js"
import { askForPage } from "./request.js"
import { showTimes } from "./times.js"

/** Verifications: begun where the click was, and followed there. */
export function startJobs(): void {
  for (const panel of document.querySelectorAll<HTMLElement>("[data-job][data-going]")) follow(panel)
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-verify]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault()
      void begin(form)
    })
  }
}

async function begin(form: HTMLFormElement): Promise<void> {
  const place = document.querySelector("[data-jobs]")
  const button = form.querySelector("button")
  if (button !== null) button.disabled = true
  try {
    const page = await askForPage(form.action, new FormData(form))
    const panel = page.querySelector<HTMLElement>("[data-job]") ?? page.querySelector<HTMLElement>(".failed")
    if (panel === null) throw new Error("the answer has no verification")
    showTimes(panel)
    place?.replaceChildren(document.adoptNode(panel))
    if (panel.dataset["going"] !== undefined) follow(panel)
    else await renew()
  } catch (error) {
    const said = document.createElement("p")
    said.className = "failed"
    said.setAttribute("role", "alert")
    said.textContent = `The verification did not begin: ${error instanceof Error ? error.message : error}`
    place?.replaceChildren(said)
  } finally {
    if (button !== null) button.disabled = false
  }
}

function follow(panel: HTMLElement): void {
  const url = panel.dataset["job"] ?? ""
  const events = new EventSource(`${url}/events`)
  events.addEventListener("state", ({ data }: MessageEvent<string>) => show(panel, JSON.parse(data) as JobProgress))
  events.addEventListener("over", () => {
    events.close()
    void askForPage(`${url}/panel`).then((page) => {
      const last = page.querySelector<HTMLElement>("[data-job]")
      if (last !== null) panel.replaceWith(document.adoptNode(last))
      return renew()
    })
  })
  panel.querySelector("form")?.addEventListener("submit", (event) => {
    event.preventDefault()
    void askForPage(`${url}/cancel`, new FormData())
  })
}

function show(panel: HTMLElement, { done, of, damaged, bytesDone, bytesTotal, elapsedMs, state }: JobProgress): void {
  const bar = panel.querySelector("progress")
  if (bar !== null) {
    bar.max = Math.max(1, bytesTotal || of)
    bar.value = bytesTotal > 0 ? bytesDone : done
  }
  const rate = elapsedMs > 0 ? (bytesDone / elapsedMs) * 1_000 : 0
  const left =
    rate > 0 && bytesTotal > bytesDone ? `, ${durationText(((bytesTotal - bytesDone) / rate) * 1_000)} left` : ""
  put(panel, "state", state)
  put(panel, "count", `${done} of ${of}${damaged > 0 ? `, ${damaged} damaged` : ""}`)
  put(panel, "bytes", `${bytesText(bytesDone)} of ${bytesText(bytesTotal)}`)
  put(panel, "rate", state === "waiting" ? "waits for another" : `${bytesText(rate)}/s${left}`)
}

function put(panel: HTMLElement, field: string, text: string): void {
  const place = panel.querySelector(`[data-field=${field}]`)
  if (place !== null) place.textContent = text
}
