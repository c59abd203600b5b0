// Run after a change of core's requests: finds the schedule of every mutant anew and writes it to test/regressions.
// `node dist/record.js [part of a mutant's name]`
import { mkdir, readFile, writeFile } from "node:fs/promises"
import * as core from "@ckpt/core"
import { explore } from "./explore.js"
import { mutants } from "./mutants/index.js"
import { mutantOptions } from "./mutants/mutant-core.js"
import type { Edit } from "./mutants/variant.js"
import { fileOf, type Regression } from "./regression.js"
import { replay, reportOf } from "./report.js"

const most = Number(process.env["CKPT_SCHEDULES"] ?? 10_000)
const folder = new URL("../test/regressions/", import.meta.url)
await mkdir(folder, { recursive: true })
const [part = "", underPath, from = "0", to] = process.argv.slice(2)
// Edits that every copy of core's build gets besides those of its mutant.
const under: Edit[] = !underPath ? [] : JSON.parse(await readFile(underPath, "utf8"))
const sound = under.length === 0 ? { core } : await mutantOptions({ name: "", plans: [], edits: [] }, under)

for (const mutant of mutants.slice(Number(from), to === undefined ? undefined : Number(to))) {
  if (!mutant.name.includes(part)) continue
  const options = await mutantOptions(mutant, under)
  let best: Regression | undefined
  let lines = 0
  for (const plan of mutant.plans) {
    for (let seed = 1, tries = 0; tries < 1 && seed < most; tries++) {
      const { found } = await explore(plan, seed, most - seed, options)
      if (found === undefined) break
      seed = found.seed + 1
      const report = await reportOf(found, options)
      if ((await replay(report.schedule, sound)).violation !== undefined) continue
      if (best !== undefined && report.lines.length >= lines) continue
      best = { rule: mutant.name, violation: report.violation, ...report.schedule }
      lines = report.lines.length
    }
    if (best !== undefined) break
  }
  if (best === undefined) {
    console.log(`NOT FOUND  ${mutant.name}`)
    process.exitCode = 1
    continue
  }
  await writeFile(new URL(fileOf(mutant.name), folder), `${JSON.stringify(best)}\n`)
  console.log(`${String(lines).padStart(3)} lines  ${mutant.name}: ${best.violation}`)
}
