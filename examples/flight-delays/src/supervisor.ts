// The demo: node dist/supervisor.js [--seed n] [--kills n] [--dir folder] [--page]
// Exit status 0 means: after enough kills, the killed run has exactly the result of the uninterrupted run.

import { randomInt } from "node:crypto"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { openPage } from "./page.js"
import { supervise } from "./supervise.js"
import { commandLines, dayTable, timelineLine, verdictLines } from "./timeline.js"

const MIN_KILLS = 20

const { values } = parseArgs({
  options: { seed: { type: "string" }, kills: { type: "string" }, dir: { type: "string" }, page: { type: "boolean" } },
})
const seed = wholeNumber("--seed", values.seed ?? process.env["SEED"], 0) ?? randomInt(2 ** 32)
const kills = wholeNumber("--kills", values.kills, MIN_KILLS) ?? MIN_KILLS + 5
const folder = values.dir === undefined ? await mkdtemp(join(tmpdir(), "flight-delays-")) : resolve(values.dir)
const started = performance.now()

console.log(`200,000 flights; the worker will be killed about ${kills} times. To repeat this plan: --seed ${seed}`)
console.log(`Data in ${folder}\n`)

const page = values.page === true ? await openPage(join(folder, "killed", "store")) : undefined
if (page !== undefined) console.log(`The page of the store: ${page.url}\n`)

let passed = false
try {
  const verdict = await supervise({
    folder,
    seed,
    kills,
    minKills: MIN_KILLS,
    worker: new URL("./worker.js", import.meta.url),
    // So that the page has a past to show.
    keep: page === undefined ? undefined : 100,
    async onTimeline(entry) {
      console.log(timelineLine(entry))
      await page?.shown(entry)
    },
  })
  passed = verdict.ok
  if (passed) console.log(["", ...(await dayTable(join(folder, "killed", "output")))].join("\n"))
  console.log(["", ...verdictLines(verdict, performance.now() - started)].join("\n"))
} catch (error) {
  console.error(error)
  console.log("\nFAILED: the demo could not go on, see above.")
}
console.log(["", ...commandLines(folder)].join("\n"))
process.exitCode = passed ? 0 : 1
if (page !== undefined && process.stdout.isTTY) {
  // Ctrl-C reaches the page by itself.
  process.on("SIGINT", () => {})
  console.log(`\nThe page stays until Ctrl-C: ${page.url}`)
  await page.ended
} else await page?.end()

function wholeNumber(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number
  console.error(`${name} must be a whole number of at least ${least}, not ${JSON.stringify(text)}`)
  process.exit(2)
}
