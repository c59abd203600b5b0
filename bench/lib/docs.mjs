import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../../scripts/toolchain.mjs"
import { growthTable } from "../growth/growth.mjs"
import { growthPlot } from "../growth/plot.mjs"
import { memoryTable } from "../memory/budgets.mjs"
import { raceTable } from "./race.mjs"
import { markdown } from "./table.mjs"
import { targetTable } from "./targets.mjs"

const folder = join(root, "docs", "performance")

/** The pages of docs/performance with results of a whole run, and the races on each. */
const pages = [
  { page: "filesystem-saves", ids: /^fs-(save|peers)-/ },
  { page: "filesystem-reads", ids: /^fs-(recover|load|list|prune)-/ },
  { page: "clouds", ids: /^(s3|azure|gcs)-/ },
  { page: "memory", ids: /^page-/ },
]

/**
 * Puts the results of a run between the markers of the pages in docs/performance: those of a whole run; and the imports, how
 * operations grow, and LangGraph's chats, each of which may be measured alone.
 *
 * @param {object} report
 * @param {Record<string, any>} report.about
 * @param {import("./targets.mjs").Target[]} report.targets
 * @param {import("./race.mjs").Race[]} report.races
 * @param {import("../memory/budgets.mjs").MemoryResult[]} report.memory
 * @param {import("../growth/growth.mjs").Growth[]} report.growths
 * @param {import("./table.mjs").Table[]} report.tables of chats
 * @param {import("./table.mjs").Table[]} report.profiles
 * @param {string[]} report.leftOut
 */
export function updateDocs({ about, targets, races: all, memory, growths, tables, profiles, leftOut }) {
  const run = runText(about)
  const imports = all.filter(({ id }) => id.startsWith("import"))
  if (imports.length > 0) replaceResults("import", [run, ...imports.map((race) => markdown(raceTable(race)))])
  const turns = all.filter(({ id }) => id.startsWith("langgraph"))
  if (tables.length + turns.length > 0)
    replaceResults("langgraph", [run, ...[...tables, ...turns.map(raceTable)].map((table) => markdown(table))])
  const races = all.filter((race) => !imports.includes(race) && !turns.includes(race))
  if (races.length > 0) {
    const homeless = races.filter(({ id }) => !pages.some(({ ids }) => ids.test(id)))
    if (homeless.length > 0)
      throw new Error(`no page of docs/performance is for ${homeless.map(({ id }) => id).join(", ")}`)
    const missing =
      leftOut.length > 0 ? `Left out of this run:\n\n${leftOut.map((line) => `- ${line}`).join("\n")}\n` : ""
    replaceResults("targets", [run, markdown(targetTable(targets)), missing])
    for (const { page, ids } of pages) {
      const found = races.filter(({ id }) => ids.test(id)).map(raceTable)
      if (page === "memory") found.push(...(memory.length > 0 ? [memoryTable(memory)] : []), ...profiles)
      replaceResults(page, [run, ...found.map((table) => markdown(table))])
    }
  }
  if (growths.length === 0) return
  writeFileSync(join(folder, "growth.svg"), growthPlot(growths))
  const picture = "![Milliseconds over the number of checkpoints, for each storage](growth.svg)"
  replaceResults("growth", [run, picture, ...growths.map((one) => markdown(growthTable(one)))])
}

/** @param {Record<string, any>} about */
function runText(about) {
  const changed = about.changed ? " with changes" : ""
  const state = about.quick ? " A quick run: fewer rounds, smaller cases." : ""
  return `Measured ${about.date.slice(0, 16).replace("T", " ")} UTC at commit ${about.commit}${changed}, in ${Math.ceil(about.seconds / 60)} minutes.${state}
Node ${about.node}, OpenSSL ${about.openssl}, ${about.system}, ${about.cpu}, ${about.memory}, ${about.fileSystem}; load average ${about.load[0]} at the start, ${about.loadAtEnd[0]} at the end.`
}

/**
 * @param {string} page also the name of its markers
 * @param {readonly string[]} parts
 */
function replaceResults(page, parts) {
  const path = join(folder, `${page}.md`)
  const text = readFileSync(path, "utf8")
  const begin = `<!-- ${page}: begin -->`
  const from = text.indexOf(begin)
  const to = text.indexOf(`<!-- ${page}: end -->`)
  if (from < 0 || to < from) throw new Error(`${path} has no markers for the results`)
  const results = parts
    .filter((part) => part !== "")
    .join("\n\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim()
  writeFileSync(path, `${text.slice(0, from)}${begin}\n\n${results}\n\n${text.slice(to)}`)
}
