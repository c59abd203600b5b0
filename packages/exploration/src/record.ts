// Run after a change of core's requests: finds the schedule of every mutant anew and writes it to test/regressions, but for
// mutants whose schedule is written down.
// `node dist/record.js [part of a mutant's name]`
import { mkdir, readFile, writeFile } from "node:fs/promises"
import * as core from "@ckpt/core"
import { explore } from "./explore.js"
import { mutants } from "./mutants/index.js"
import type { Mutant } from "./mutants/mutant.js"
import { mutantOptions } from "./mutants/mutant-core.js"
import type { Edit } from "./mutants/variant.js"
import { fileOf, type Regression } from "./regression.js"
import { replay, reportOf } from "./report.js"
import type { SimulateOptions } from "./simulate-options.js"

const most = Number(process.env["CKPT_SCHEDULES"] ?? 10_000)
const first = Number(process.env["CKPT_SEED"] ?? 1)
/** Schedules of one plan that are shortened, at most: core may fail a shortened one, for a reason of its own. */
const mostTries = 3
const folder = new URL("../test/regressions/", import.meta.url)
await mkdir(folder, { recursive: true })
const [part = "", underPath, from = "0", to] = process.argv.slice(2)
// Edits that every copy of core's build gets besides those of its mutant.
const under: Edit[] = !underPath ? [] : JSON.parse(await readFile(underPath, "utf8"))
const sound = under.length === 0 ? { core } : await mutantOptions({ name: "", edits: [] }, under)

for (const mutant of mutants.slice(Number(from), to === undefined ? undefined : Number(to))) {
  // A schedule that is written down needs no other.
  if (!mutant.name.includes(part) || mutant.written !== undefined) continue
  const kept = await find(mutant, await mutantOptions(mutant, under))
  if (kept === undefined) {
    console.log(`NOT FOUND  ${mutant.name}`)
    process.exitCode = 1
    continue
  }
  const { lines, ...regression } = kept
  await writeFile(new URL(fileOf(mutant.name), folder), `${JSON.stringify(regression)}\n`)
  console.log(`${String(lines).padStart(3)} lines  ${mutant.name}: ${regression.violation}`)
}

type Kept = Regression & { readonly lines: number }

/** A shortened schedule of one of the mutant's plans. Only one that core passes is of use. */
async function find({ name: rule, plans = [] }: Mutant, options: SimulateOptions): Promise<Kept | undefined> {
  for (const plan of plans) {
    const end = first + most
    for (let seed = first, tries = 0; seed < end && tries < mostTries; tries++) {
      const { found } = await explore(plan, seed, end - seed, options)
      if (found === undefined) break
      seed = found.seed + 1
      const { violation, schedule, lines } = await reportOf(found, options)
      if ((await replay(schedule, sound)).violation !== undefined) continue
      return { rule, violation, ...schedule, lines: lines.length }
    }
  }
  return undefined
}
