import { execFile, fork } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { bytesText, MiB } from "../lib/content.mjs"
import { number } from "../lib/table.mjs"

const run = promisify(execFile)
const child = fileURLToPath(new URL("child.mjs", import.meta.url))
const idleLoop = fileURLToPath(new URL("idle-loop.mjs", import.meta.url))

/**
 * @typedef {object} Watched
 * @property {number} ms
 * @property {number} peak resident bytes at most
 * @property {number} delayP50 ms
 * @property {number} delayP99 ms
 * @property {number} delayMax ms
 */

/**
 * @typedef {object} MemoryResult
 * @property {string} kind
 * @property {number} size bytes
 * @property {number} idle resident bytes
 * @property {Watched} save
 * @property {Watched} restore
 * @property {{ p99: number, max: number }} beside delays in ms of a process that did nothing meanwhile
 */

/**
 * One save and one restore of a large state, each as a stream.
 *
 * @param {import("./subjects.mjs").Where & { size: number }} what
 * @returns {Promise<MemoryResult>}
 */
export async function memoryOf(what) {
  const idle = fork(idleLoop)
  try {
    const { stdout } = await run(process.execPath, ["--no-warnings", child, JSON.stringify(what)], { timeout: 600_000 })
    const answered = once(idle, "message")
    idle.send("end")
    const [beside] = await answered
    return { kind: what.kind, size: what.size, ...JSON.parse(stdout), beside }
  } finally {
    if (idle.connected) idle.disconnect()
  }
}

/** The bytes of memory that processes can still get. */
export async function availableMemory() {
  const [, kib] = /^MemAvailable:\s+(\d+) kB/m.exec(await readFile("/proc/meminfo", "utf8")) ?? []
  return Number(kib ?? 0) * 1024
}

/**
 * @param {readonly MemoryResult[]} results
 * @returns {import("../lib/table.mjs").Table}
 */
export function memoryTable(results) {
  const delays = ["loop delay p50, ms", "p99, ms", "max, ms", "idle process: p99, ms"]
  const columns = ["", "s", "MiB/s", "idle, MiB", "peak above idle, MiB", ...delays]
  const rows = results.flatMap(({ kind, size, idle, beside, ...phases }) =>
    /** @type {const} */ (["save", "restore"]).map((phase) => {
      const { ms, peak, delayP50, delayP99, delayMax } = phases[phase]
      const figures = [
        ms / 1000,
        size / MiB / (ms / 1000),
        idle / MiB,
        (peak - idle) / MiB,
        delayP50,
        delayP99,
        delayMax,
      ]
      return [`${nameOf(kind)}: ${phase}, ${bytesText(size)}`, ...[...figures, beside.p99].map(number)]
    }),
  )
  return {
    title: "Memory and responsiveness",
    columns,
    rows,
    notes: [
      "Idle is the resident memory of the process after a first small save and restore; the peak is the kernel's VmHWM, reset before each. Nothing forces a garbage collection.",
      "The delay is what `monitorEventLoopDelay({ resolution: 1 })` records: the time between two ticks of a 1 ms timer, so 1 ms is no delay at all. The idle process did nothing at the same time on the same machine: its delay is the machine's.",
    ],
  }
}

/** @param {string} kind */
function nameOf(kind) {
  return kind === "s3-bare" ? "bare S3 SDK" : kind
}
