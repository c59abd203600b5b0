import { Session } from "node:inspector/promises"
import { number } from "./table.mjs"

/**
 * Where the main thread spends its time while something runs, by function.
 *
 * @param {string} title
 * @param {() => Promise<unknown>} run
 * @returns {Promise<import("./table.mjs").Table>}
 */
export async function profiled(title, run) {
  const session = new Session()
  session.connect()
  await session.post("Profiler.enable")
  await session.post("Profiler.setSamplingInterval", { interval: 500 })
  await session.post("Profiler.start")
  await run()
  const { profile } = await session.post("Profiler.stop")
  session.disconnect()
  const { nodes, samples = [], timeDeltas = [] } = profile
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  /** @type {Map<string, number>} */
  const spent = new Map()
  samples.forEach((id, index) => {
    const name = names.get(id) ?? "?"
    // Leaves out the start and the stop of the profiler itself.
    if (name === "dispatch") return
    spent.set(name, (spent.get(name) ?? 0) + timeDeltas[index] / 1000)
  })
  const all = [...spent.values()].reduce((sum, ms) => sum + ms, 0)
  const rows = [...spent]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 8)
    .map(([name, ms]) => [name, number(ms), `${number((ms / all) * 100)} %`])
  const notes = ["(idle) is the main thread waiting: for the disk, the server, or the pool's threads."]
  return { title: `Profile: ${title}`, columns: ["main thread in", "ms", "of the time"], rows, notes }
}

/** @param {{ functionName: string, url: string, lineNumber: number }} frame */
function nameOf({ functionName, url, lineNumber }) {
  const file = url.split("/").slice(-2).join("/")
  return `${functionName || "(anonymous)"}${file === "" ? "" : ` ${file}:${lineNumber + 1}`}`
}
