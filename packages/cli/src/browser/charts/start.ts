import { sources } from "./sources.js"
import { state } from "./state.js"
import { timeline } from "./timeline.js"

const charts: Readonly<Record<string, (root: HTMLElement) => Promise<void>>> = { timeline, state, sources }

/** Draws what the view asks for. A chart that cannot be drawn says so in its place. */
export function startCharts(): void {
  for (const root of document.querySelectorAll<HTMLElement>("[data-chart]")) {
    charts[root.dataset["chart"] ?? ""]?.(root).then(
      () => root.setAttribute("data-drawn", ""),
      (error: unknown) => {
        const said = document.createElement("p")
        said.className = "failed"
        said.setAttribute("role", "alert")
        said.textContent = `The chart cannot be drawn: ${error instanceof Error ? error.message : error}`
        root.append(said)
      },
    )
  }
}
