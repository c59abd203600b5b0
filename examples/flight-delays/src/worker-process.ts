import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { Progress } from "./progress.js"

/** Kill after so many reports (0: from the start of the process), and then so many milliseconds. */
export interface KillPlan {
  readonly afterReports: number
  readonly delayMs: number
}

export interface WorkerRun {
  readonly reports: readonly Progress[]
  /** Milliseconds from the last report (or the start) to the end of the process. */
  readonly silentMs: number
  /** Milliseconds from the start to the report that the worker had recovered. */
  readonly recoveredMs: number | undefined
  readonly elapsedMs: number
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly errors: string
}

// A worker without a report for so long hangs. It is ended, and its run counts as a failure, not as a kill.
const hangMs = 60_000

/** Runs one worker until it ends, by itself or by the plan's SIGKILL. Resolves when all that it wrote has been read. */
export function runWorker(worker: URL, args: readonly string[], plan?: KillPlan): Promise<WorkerRun> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const reports: Progress[] = []
    let errors = ""
    let lastReport = started
    let ended = started
    let recoveredMs: number | undefined
    let killTimer: NodeJS.Timeout | undefined
    const child = spawn(process.execPath, [fileURLToPath(worker), ...args], { stdio: ["ignore", "pipe", "pipe"] })

    const hang = setTimeout(() => {
      errors += `\nno report for ${hangMs / 1000} s; ended with SIGTERM`
      child.kill("SIGTERM")
    }, hangMs)
    const armKill = () => {
      if (plan === undefined || reports.length !== plan.afterReports) return
      // Without a delay, at once: even the shortest timer takes a millisecond.
      if (plan.delayMs === 0) child.kill("SIGKILL")
      else killTimer = setTimeout(() => child.kill("SIGKILL"), plan.delayMs)
    }

    armKill()
    createInterface({ input: child.stdout }).on("line", (line) => {
      lastReport = performance.now()
      hang.refresh()
      let progress: Progress
      try {
        progress = JSON.parse(line) as Progress
      } catch {
        errors += `\nnot a report: ${line}`
        return
      }
      reports.push(progress)
      if (progress.event === "recovered") recoveredMs = lastReport - started
      armKill()
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text
    })
    child.on("error", reject)
    child.on("exit", () => {
      ended = performance.now()
      clearTimeout(killTimer)
    })
    child.on("close", (exitCode, signal) => {
      clearTimeout(hang)
      const silentMs = Math.max(0, ended - lastReport)
      resolve({ reports, silentMs, recoveredMs, elapsedMs: ended - started, exitCode, signal, errors: errors.trim() })
    })
  })
}
