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

export function figureOf(root: HTMLElement, name: string): HTMLElement {
  return root.querySelector<HTMLElement>(`figure[data-name=${name}]`) ?? root
}

export function openCheckpoint(id: number | undefined): void {
  if (id !== undefined) location.assign(`${document.body.dataset["base"] ?? "/"}c/${id}`)
}

/** Steps of an axis of bytes: 1 KiB, 2 KiB, 4 KiB, … */
export const binarySteps: number[] = Array.from({ length: 51 }, (_, power) => 2 ** power)
