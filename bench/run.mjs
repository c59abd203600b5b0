// npm run bench: measures every figure of docs/performance, here and now.
import { writeFileSync } from "node:fs"
import { Workplace } from "./lib/disk.mjs"
import { isWanted, readOptions, usage } from "./lib/options.mjs"
import { prepare } from "./lib/prepare.mjs"
import { markdown } from "./lib/table.mjs"

const options = readOptions(process.argv.slice(2))
if (options.help) {
  console.log(usage)
  process.exit()
}
if (!options.list) prepare(options.build)

// The S3 client's notice about future versions says nothing about this run.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true"

// The imports below are from the build.
const { plan } = await import("./plan.mjs")
const wanted = plan(options).filter(({ name }) => isWanted(name, options.words))
if (options.list || wanted.length === 0) {
  console.log(wanted.map(({ name }) => name).join("\n") || "nothing has all of these words in its name; see --list")
  process.exit(wanted.length === 0 ? 2 : 0)
}

const { contenders } = await import("./fs/all.mjs")
const { syncCounter } = await import("./fs/syncs.mjs")
const { usableVersions } = await import("./fs/usable.mjs")
const { machine, fileSystemOf } = await import("./lib/machine.mjs")
const { raceTable } = await import("./lib/race.mjs")
const { targets, targetTable } = await import("./lib/targets.mjs")
const { growthTable } = await import("./growth/growth.mjs")
const { memoryTable } = await import("./memory/budgets.mjs")
const { updateDocs } = await import("./lib/docs.mjs")
const { profiles } = await import("./profiles.mjs")

const started = performance.now()
const workplace = await Workplace.create(options.dir)
const about = { ...machine(), fileSystem: fileSystemOf(workplace.folder), quick: options.quick }
/** @type {import("./lib/race.mjs").Race[]} */
const races = []
/** @type {import("./memory/budgets.mjs").MemoryResult[]} */
const memory = []
/** @type {import("./growth/growth.mjs").Growth[]} */
const growths = []
/** @type {import("./lib/table.mjs").Table[]} */
const tables = []
/** @type {string[]} */
const leftOut = []
const versions = await usableVersions(contenders, workplace, leftOut)
/** @type {import("./lib/table.mjs").Table[]} */
const profileTables = []
/** @param {import("./lib/table.mjs").Table} table */
const show = (table) => console.log(`\n${markdown(table)}`)

process.once("SIGINT", async () => {
  await workplace.remove()
  process.exit(130)
})
try {
  const context = { workplace, versions, syncs: syncCounter(workplace, versions, leftOut) }
  for (const { name, room, run } of wanted) {
    if (!(await workplace.hasRoomFor(room * 1.2))) {
      leftOut.push(`${name}: too little room on the disk`)
      continue
    }
    console.error(`bench: ${name}`)
    try {
      const found = await run(context)
      for (const race of found.races ?? []) show(raceTable(race))
      races.push(...(found.races ?? []))
      memory.push(...(found.memory ?? []))
      growths.push(...(found.growth ?? []))
      tables.push(...(found.tables ?? []))
      for (const one of found.growth ?? []) show(growthTable(one))
      for (const one of found.tables ?? []) show(one)
      if (found.races?.length === 0 || Object.keys(found).length === 0)
        leftOut.push(`${name}: its server cannot be had here`)
    } catch (error) {
      leftOut.push(`${name}: ${error instanceof Error ? error.message : error}`)
      console.error(`bench: ${leftOut.at(-1)}`)
    }
    await workplace.clear()
  }
  if (memory.length > 0) show(memoryTable(memory))
  profileTables.push(...(await profiles(targets(races, memory), workplace)))
} finally {
  await workplace.remove()
}

const reached = targets(races, memory)
for (const table of profileTables) show(table)
show(targetTable(reached))
for (const line of leftOut) console.log(`left out: ${line}`)
const seconds = Math.round((performance.now() - started) / 1000)
console.log(`\n${seconds} s`)
const report = {
  about: { ...about, seconds, loadAtEnd: machine().load },
  versions,
  targets: reached,
  races,
  memory,
  growths,
  tables,
  profiles: profileTables,
  leftOut,
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`)
if (options.updateDocs) updateDocs(report)
