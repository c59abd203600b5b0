// The supervisor's output: one line for each life of the worker, then the verdict.

import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { DelaySummary } from "./delay-sketch.js"
import type { Progress } from "./progress.js"
import type { TimelineEntry, Verdict } from "./supervise.js"
import type { WorkerRun } from "./worker-process.js"

export function timelineLine(entry: TimelineEntry): string {
  if (entry.type === "reference") {
    return `      uninterrupted: ${entry.epochs} epochs, a checkpoint each, in ${seconds(entry.elapsedMs)}`
  }
  if (entry.type === "damaged") {
    const { id, file, what } = entry.damage
    return `   !  damaged ${id}, the latest checkpoint: ${file}, ${what}`
  }
  return `  ${String(entry.number).padStart(2)}  ${storyOf(entry.run).join("; ")}`
}

function storyOf(run: WorkerRun): string[] {
  const story: string[] = []
  for (const report of run.reports) {
    if (report.event !== "recovered") continue
    for (const { name, issues } of report.skipped) {
      const reasons = issues.map(({ code, message }) => `${code}: ${message.replace(/[0-9a-f]{56}\b/g, "…")}`)
      story.push(`skipped ${name} because ${reasons.join(", ")}`)
    }
    if (report.id === undefined) story.push("fresh start")
    else story.push(`recovered from ${report.id} (epoch ${report.epoch})`)
    if (report.sinkWasPending) story.push(`finished the output of epoch ${report.epoch}`)
  }
  const saved = run.reports.flatMap((report) => (report.event === "saved" ? [report.id] : []))
  if (saved.length > 0) story.push(`saved ${saved.length === 1 ? saved[0] : `${saved[0]} to ${saved.at(-1)}`}`)
  if (run.signal === "SIGKILL") story.push(`killed ${run.silentMs.toFixed(1)} ms ${momentAfter(run.reports.at(-1))}`)
  else if (run.exitCode === 0) story.push("finished")
  else story.push(`FAILED with ${run.signal ?? `exit code ${run.exitCode}`}`)
  return story
}

function momentAfter(last: Progress | undefined): string {
  switch (last?.event) {
    case undefined:
      return "after it started"
    case "recovered":
      return "after its recovery"
    case "staged":
      return `into the save of ${last.id}`
    case "saved":
      return `into publishing what ${last.id} covers`
    case "published":
      return `into the update of ${last.id}`
    case "committed":
      return `after ${last.id} was complete`
    case "finished":
      return "after its last report"
  }
}

export function verdictLines(verdict: Verdict, elapsedMs: number): string[] {
  const phases = Object.entries(verdict.kills)
  const total = phases.reduce((sum, [, kills]) => sum + kills, 0)
  const lines = [`${total} kills: ${phases.map(([phase, kills]) => `${kills} in ${phase}`).join(", ")}`]
  for (const { damage, skipped } of verdict.damages) {
    const said = skipped?.issues.map(({ code }) => code).join(", ")
    lines.push(
      `Damaged ${damage.file} of ${damage.id}: ${said === undefined ? "NOT SKIPPED" : `skipped by recovery (${said})`}`,
    )
  }
  lines.push("Compared with the uninterrupted run, byte for byte:")
  for (const { what, detail, same } of verdict.compared) {
    lines.push(`  ${same ? "same     " : "DIFFERENT"}  ${what.padEnd(25)} ${detail}`)
  }
  lines.push("")
  if (verdict.ok)
    lines.push(`PASSED in ${seconds(elapsedMs)}: the killed run left exactly what the uninterrupted run left.`)
  else lines.push(`FAILED in ${seconds(elapsedMs)}:`, ...verdict.problems.map((problem) => `  - ${problem}`))
  return lines
}

/** The job's result, from the last published file. */
export async function dayTable(output: string): Promise<string[]> {
  const last = (await readdir(output)).sort().at(-1)
  if (last === undefined) return []
  const rows = (await readFile(join(output, last), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as DelaySummary & { window: string; miles: string })
  const table = rows.filter(({ window }) => window === "day")
  const row = (cells: readonly (string | number)[]) => `  ${cells.map((cell) => String(cell).padStart(10)).join("")}`
  return [
    "Delays in minutes, by distance:",
    row(["miles", "flights", "mean", "p50", "p90", "p99"]),
    ...table.map(({ miles, flights, meanDelay, p50, p90, p99 }) =>
      row([miles, flights, meanDelay.toFixed(2), p50, p90, p99]),
    ),
  ]
}

/** The commands of @ckpt/cli that show the store of the killed run. */
export function commandLines(folder: string): string[] {
  const { href } = pathToFileURL(join(folder, "killed", "store"))
  return [
    "The store is still there. Look at it, and remove it when you have seen enough:",
    `  ckpt ls ${href}`,
    `  ckpt show ${href} latest`,
    `  ckpt verify ${href} --all --deep`,
    `  ckpt recover ${href} --to ${join(folder, "recovered")}`,
    `  ckpt doctor ${href}`,
    `  ckpt serve ${href}`,
    `  rm -r ${folder}`,
  ]
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
