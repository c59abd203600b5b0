// Saves and restores one large state in a process of its own, and reports the cost. Argument: JSON, see budgets.mjs.
import { readFileSync, writeFileSync } from "node:fs"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { chunksOf, KiB, MiB } from "../lib/content.mjs"
import { openLargeState } from "./subjects.mjs"

const { size, ...where } = JSON.parse(process.argv[2])
// The size of the chunks divides the parts of all SDKs, and the size of the state.
const chunks = chunksOf(8 * MiB, 256 * KiB)

/** @param {number} bytes */
async function* stateOf(bytes) {
  for (let done = 0, index = 0; done < bytes; index++) {
    const chunk = chunks[index % chunks.length]
    done += chunk.length
    yield chunk
  }
}

/** @param {string} name a line of /proc/self/status, in KiB there */
function memory(name) {
  const [, kib] = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync("/proc/self/status", "utf8")) ?? []
  return Number(kib) * KiB
}

/**
 * The highest resident memory and the delays of the event loop while something runs.
 *
 * @param {() => Promise<unknown>} run
 */
async function watched(run) {
  // Sets VmHWM, the kernel's own record of the peak, to the resident memory of now.
  writeFileSync("/proc/self/clear_refs", "5")
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const started = performance.now()
  await run()
  const ms = performance.now() - started
  delay.disable()
  const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map((ns) => ns / 1e6)
  return { ms, peak: memory("VmHWM"), delayP50: p50, delayP99: p99, delayMax: max }
}

const subject = await openLargeState(where)
// A process is idle after a small save and restore: its code is loaded, and its connections are open.
await subject.save(1, stateOf(256 * KiB))
await subject.restore(1)
await new Promise((resolve) => setTimeout(resolve, 500))
const idle = memory("VmRSS")

const save = await watched(() => subject.save(2, stateOf(size)))
const restore = await watched(async () => {
  const bytes = await subject.restore(2)
  if (bytes !== size) throw new Error(`${bytes} of ${size} bytes came back`)
})
await subject.close()
process.stdout.write(`${JSON.stringify({ idle, save, restore })}\n`)
