#!/usr/bin/env node
// Explores many schedules on all cores: `npm run explore -- --help`.
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { Worker } from "node:worker_threads"
import * as core from "@ckpt/core"
import { type Coverage, coverageTable } from "./coverage.js"
import { runSeed } from "./explore.js"
import { mutants } from "./mutants/index.js"
import { withMutant } from "./mutants/mutant-core.js"
import { play } from "./play.js"
import { reportOf } from "./report.js"
import { type PlanName, planNames, plans } from "./scenario/plans.js"
import type { Answer, Portion } from "./worker.js"

const help = `Explores schedules of several stores over one storage, and checks what they were told.

  --count <n>      schedules in all, default 1000000
  --seed <n>       the first seed, default 1
  --plan <name>    only this kind of schedule
  --rules <n>      for each rule of the protocol, so many schedules without it, default 200; 0: none
  --jobs <n>       threads, default one for each core
  --mutant <name>  one seed of a plan, with one rule of the protocol left out; the schedule of that rule, if one is written down

Plans:
${planNames.map((name) => `  ${name.padEnd(20)} ${plans[name].says}`).join("\n")}`

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    plan: { type: "string" },
    rules: { type: "string", default: "200" },
    jobs: { type: "string", default: String(availableParallelism()) },
    mutant: { type: "string" },
    help: { type: "boolean", default: false },
  },
})

if (values.help) console.log(help)
else process.exitCode = await main()

async function main(): Promise<number> {
  const count = Number(values.count)
  const firstSeed = Number(values.seed)
  const chosen = planNames.filter((name) => values.plan === undefined || name === values.plan)
  if (chosen.length === 0 || !(count >= 1) || !Number.isSafeInteger(firstSeed)) {
    console.error(help)
    return 2
  }
  if (values.mutant !== undefined) return replayMutant(values.mutant, chosen[0] as PlanName, firstSeed)
  const rules = values.plan === undefined ? Number(values.rules) : 0
  const without = rules > 0 ? mutants.map(({ name }) => ({ rule: name, firstSeed, count: rules })) : []
  return exploreAll([...portionsOf(chosen, firstSeed, count), ...without], count)
}

/** Small portions, from each plan in turn: every plan gets its share of the time, however short the run is. */
function portionsOf(chosen: readonly PlanName[], firstSeed: number, count: number): Portion[] {
  const portions: Portion[] = []
  const most = Math.min(250, Math.ceil(count / chosen.length))
  for (let done = 0, seed = firstSeed; done < count; seed += most) {
    for (const plan of chosen) {
      const size = Math.min(most, count - done)
      if (size > 0) portions.push({ plan, firstSeed: seed, count: size })
      done += size
    }
  }
  return portions
}

async function exploreAll(portions: readonly Portion[], count: number): Promise<number> {
  const started = performance.now()
  const totals = { schedules: 0, steps: 0, acknowledged: 0 }
  let next = 0
  let found: { plan: PlanName; seed: number } | undefined
  const covered: Coverage[] = []
  const rules = portions.filter((portion) => "rule" in portion).length
  const line = () => {
    const seconds = (performance.now() - started) / 1_000
    const rate = Math.round(totals.schedules / seconds)
    const { schedules, steps, acknowledged } = totals
    const looked = rules === 0 ? "" : `, ${covered.length} of ${rules} rules`
    return `${schedules} of ${count} schedules, ${steps} requests, ${acknowledged} acknowledged saves, ${seconds.toFixed(0)} s, ${rate} a second${looked}`
  }
  const show = () => process.stderr.write(process.stderr.isTTY ? `\r${line()} ` : `${line()}\n`)
  const timer = setInterval(show, process.stderr.isTTY ? 500 : 10_000)
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL("./worker.js", import.meta.url))
      let portion: Portion | undefined
      const go = () => {
        portion = found === undefined ? portions[next++] : undefined
        if (portion !== undefined) return worker.postMessage(portion)
        worker.terminate().then(() => resolve(), reject)
      }
      worker.on("error", reject)
      worker.on("message", (answer: Answer) => {
        for (const key of ["schedules", "steps", "acknowledged"] as const) totals[key] += answer[key]
        if (answer.coverage !== undefined) covered.push(answer.coverage)
        if (answer.foundSeed !== undefined && portion !== undefined && "plan" in portion) {
          found ??= { plan: portion.plan, seed: answer.foundSeed }
        }
        go()
      })
      go()
    })
  await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, work))
  clearInterval(timer)
  console.log(`${process.stderr.isTTY ? "\n" : ""}${line()}`)
  if (covered.length > 0) console.log(coverageTable(covered))
  if (found === undefined) return 0
  return tell(found.plan, found.seed)
}

async function tell(plan: PlanName, seed: number): Promise<number> {
  const { violation, scenario, choices } = await runSeed(plan, seed, { core })
  if (violation === undefined) throw new Error(`plan ${plan}, seed ${seed} went wrong once, and not again`)
  console.log((await reportOf({ plan, seed, scenario, choices, violation }, { core })).text)
  return 1
}

async function replayMutant(name: string, plan: PlanName, seed: number): Promise<number> {
  return withMutant(name, async (options, { written }) => {
    if (written !== undefined) {
      const { violation, trace } = await play(written, { ...options, trace: true })
      console.log([...trace, violation?.message ?? "nothing is violated"].join("\n"))
      return violation === undefined ? 0 : 1
    }
    const { violation, scenario, choices } = await runSeed(plan, seed, options)
    if (violation === undefined) {
      console.log(`plan ${plan}, seed ${seed}: nothing is violated`)
      return 0
    }
    console.log((await reportOf({ plan, seed, scenario, choices, violation }, options, name)).text)
    return 1
  })
}
