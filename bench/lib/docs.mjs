import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../../scripts/toolchain.mjs"
import { growthTable } from "../growth/growth.mjs"
import { growthPlot } from "../growth/plot.mjs"
import { memoryTable } from "../memory/budgets.mjs"
import { raceTable } from "./race.mjs"
import { markdown } from "./table.mjs"
import { targetTable } from "./targets.mjs"

/**
 * Puts the results of a run between the markers of docs/performance.md: those of a whole run; and the imports and how operations grow,
 * each of which may be measured alone.
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
export function updateDocs({ about, targets, races: all, memory, growths, profiles, leftOut }) {
  const run = runText(about)
  const imports = all.filter(({ id }) => id.startsWith("import"))
  if (imports.length > 0) replaceBetween("import", [run, ...imports.map((race) => markdown(raceTable(race)))])
  const races = all.filter((race) => !imports.includes(race))
  if (races.length > 0) {
    const missing =
      leftOut.length > 0 ? `Left out of this run:\n\n${leftOut.map((line) => `- ${line}`).join("\n")}\n` : ""
    const tables = [...races.map(raceTable), ...(memory.length > 0 ? [memoryTable(memory)] : []), ...profiles]
    replaceBetween("bench", [run, markdown(targetTable(targets)), missing, ...tables.map((table) => markdown(table))])
  }
  if (growths.length === 0) return
  writeFileSync(join(root, "docs", "growth.svg"), growthPlot(growths))
  const picture = "![Milliseconds over the number of checkpoints, for each storage](growth.svg)"
  replaceBetween("growth", [run, picture, ...growths.map((one) => markdown(growthTable(one)))])
}

/** @param {Record<string, any>} about */
function runText(about) {
  const changed = about.changed ? " with changes" : ""
  const state = about.quick ? " A quick run: fewer rounds, smaller cases." : ""
  return `Measured ${about.date.slice(0, 16).replace("T", " ")} UTC at commit ${about.commit}${changed}, in ${Math.ceil(about.seconds / 60)} minutes.${state}
Node ${about.node}, OpenSSL ${about.openssl}, ${about.system}, ${about.cpu}, ${about.memory}, ${about.fileSystem}; load average ${about.load[0]} at the start, ${about.loadAtEnd[0]} at the end.`
}

/**
 * @param {string} name of the markers
 * @param {readonly string[]} parts
 */
function replaceBetween(name, parts) {
  const path = join(root, "docs", "performance.md")
  const text = readFileSync(path, "utf8")
  const begin = `<!-- ${name}: begin -->`
  const from = text.indexOf(begin)
  const to = text.indexOf(`<!-- ${name}: end -->`)
  if (from < 0 || to < from) throw new Error(`${path} has no markers for the results of ${name}`)
  const results = parts
    .filter((part) => part !== "")
    .join("\n\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim()
  writeFileSync(path, `${text.slice(0, from)}${begin}\n\n${results}\n\n${text.slice(to)}`)
}
