import { expect, test } from "vitest"
import { explore, runSeed } from "../src/explore.js"
import { mutants } from "../src/mutants/index.js"
import { mutantOptions } from "../src/mutants/mutant-core.js"
import { replay, reportOf } from "../src/report.js"

const planted = mutants.find(({ name }) => name === "collection at or above the latest valid checkpoint")!

test("a seed that goes wrong replays exactly, and its choices alone do too", async () => {
  const options = await mutantOptions(planted)
  const { found } = await explore(planted.plans![0]!, 1, 10_000, options)
  const { plan, seed, violation, ...schedule } = found!
  const again = await runSeed(plan, seed, { ...options, trace: true })
  expect(again.violation?.message).toBe(violation.message)
  expect(again.choices).toEqual(schedule.choices)
  const byChoices = await replay(schedule, options)
  expect(byChoices.violation?.message).toBe(violation.message)
  expect(byChoices.trace).toEqual(again.trace)
})

test("a planted bug shrinks to a few numbered lines, with the command that finds it again", async () => {
  const options = await mutantOptions(planted)
  const { found } = await explore(planted.plans![0]!, 1, 10_000, options)
  const { lines, text, schedule } = await reportOf(found!, options, planted.name)
  expect(lines.length, text).toBeLessThan(25)
  expect(lines[0]).toMatch(/^ ?1 {2}/)
  expect(text).toContain(`--seed ${found!.seed} --count 1`)
  expect((await replay(schedule, options)).violation).toBeDefined()
})
