import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../../scripts/toolchain.mjs"
import { growthTable } from "../growth/growth.mjs"
import { growthPlot } from "../growth/plot.mjs"
import { memoryTable } from "../memory/budgets.mjs"
import { raceTable } from "./race.mjs"
import { markdown } from "./table.mjs"
import { targetTable } from "./targets.mjs"

const begin = "<!-- bench: begin -->"
const end = "<!-- bench: end -->"

/**
 * Puts the results of a run between the markers of docs/performance.md.
 *
 * @param {object} report
 * @param {Record<string, any>} report.about
 * @param {import("./targets.mjs").Target[]} report.targets
 * @param {import("./race.mjs").Race[]} report.races
 * @param {import("../memory/budgets.mjs").MemoryResult[]} report.memory
 * @param {import("../growth/growth.mjs").Growth[]} report.growths
 * @param {import("./table.mjs").Table[]} report.profiles
 * @param {string[]} report.leftOut
 */
export function updateDocs({ about, targets, races, memory, growths, profiles, leftOut }) {
  const path = join(root, "docs", "performance.md")
  const text = readFileSync(path, "utf8")
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${path} has no markers for the results`)
  const changed = about.changed ? " with changes" : ""
  const state = about.quick ? " A quick run: fewer rounds, smaller cases." : ""
  const run = `Measured ${about.date.slice(0, 16).replace("T", " ")} UTC at commit ${about.commit}${changed}, in ${Math.ceil(about.seconds / 60)} minutes.${state}
Node ${about.node}, OpenSSL ${about.openssl}, ${about.system}, ${about.cpu}, ${about.memory}, ${about.fileSystem}; load average ${about.load[0]} at the start, ${about.loadAtEnd[0]} at the end.`
  const missing =
    leftOut.length > 0 ? `Left out of this run:\n\n${leftOut.map((line) => `- ${line}`).join("\n")}\n` : ""
  const tables = [...races.map(raceTable), ...(memory.length > 0 ? [memoryTable(memory)] : [])]
  if (growths.length > 0) writeFileSync(join(root, "docs", "growth.svg"), growthPlot(growths))
  const picture = "![Milliseconds over the number of checkpoints, for each storage](growth.svg)"
  const grown = growths.length > 0 ? [picture, ...growths.map((one) => markdown(growthTable(one)))] : []
  const after = profiles.map((table) => markdown(table))
  const body = [
    run,
    markdown(targetTable(targets)),
    missing,
    ...tables.map((table) => markdown(table)),
    ...grown,
    ...after,
  ]
  const results = body
    .filter((part) => part !== "")
    .join("\n\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim()
  writeFileSync(path, `${text.slice(0, from)}${begin}\n\n${results}\n\n${text.slice(to)}`)
}
