import { type BackendCase, backendCases, type CaseResult, checkBackend } from "@ckpt/conformance"
import { afterAll, expect, test } from "vitest"
import { liars } from "../liars/index.js"
import { callMutants } from "./call-mutants.js"
import { commitMutants } from "./commit-mutants.js"
import { completeMemory } from "./complete-memory.js"
import { conditionMutants } from "./condition-mutants.js"
import { leftoverMutants } from "./leftover-mutants.js"
import { listMutants } from "./list-mutants.js"
import { partMutants } from "./part-mutants.js"
import { putMutants } from "./put-mutants.js"
import { rangeMutants } from "./range-mutants.js"
import { readMutants } from "./read-mutants.js"
import { type Mutant, mutated } from "./support.js"
import { visibilityMutants } from "./visibility-mutants.js"

const mutants: readonly Mutant[] = [
  ...putMutants,
  ...partMutants,
  ...visibilityMutants,
  ...conditionMutants,
  ...readMutants,
  ...rangeMutants,
  ...listMutants,
  ...callMutants,
  ...leftoverMutants,
  ...commitMutants,
]

/** The cases that liars need. A mutant that the other cases do not catch is left to these. */
const ofLiars = new Set(Object.values(liars).flatMap((kind) => kind.flatMap(({ caughtBy }) => caughtBy)))
const [theirs, others] = [true, false].map((is) => backendCases.filter(({ name }) => ofLiars.has(name) === is))

/** The cases that no mutant fails, and why they stay. */
const keptWithout: Record<string, string> = {}

/** A mutant that breaks nearly everything says nothing about any single case. */
const sharp = 16

function check(
  mutant: Mutant | undefined,
  timeoutMs: number,
  cases: readonly BackendCase[] | undefined,
  inParts = mutant?.inParts,
): Promise<CaseResult[]> {
  return checkBackend({
    factory: () => {
      const real = completeMemory({ inParts })
      const open = () => (mutant === undefined ? real : mutated(mutant, real))
      const shared = open()
      return { open: mutant?.eachOpen === true ? open : () => shared }
    },
    largeBytes: 1_200_000,
    timeoutMs,
    cases,
  })
}

const failed = (results: readonly CaseResult[]) =>
  results.filter(({ result }) => result === "failed").map(({ name }) => name)

const catchers = new Map<Mutant, Promise<string[]>>()
function caughtBy(mutant: Mutant): Promise<string[]> {
  const found = catchers.get(mutant) ?? firstCatchers(mutant)
  catchers.set(mutant, found)
  return found
}

async function firstCatchers(mutant: Mutant): Promise<string[]> {
  const found = failed(await check(mutant, 4_000, others))
  return found.length > 0 ? found : failed(await check(mutant, 4_000, theirs))
}

test.each([true, false])("what the mutants are made of passes every case, with parts: %s", async (inParts) => {
  const results = await check(undefined, 60_000, backendCases, inParts)
  expect(results.flatMap(({ error }) => error?.message ?? [])).toEqual([])
  const skipped = results.filter(({ result }) => result === "skipped")
  expect(skipped.map(({ name }) => name)).toEqual(
    inParts ? [] : backendCases.filter(({ needs = [] }) => needs.includes("parts")).map(({ name }) => name),
  )
})

test("no two mutants or cases have one name", () => {
  for (const all of [mutants, backendCases]) expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
})

test.each(mutants)("caught: $name", async (mutant) => {
  expect(await caughtBy(mutant)).not.toEqual([])
})

test("every case is needed by a mutant, or kept for a reason", { timeout: 300_000 }, async () => {
  const needed = new Set<string>()
  for (const mutant of mutants) {
    const cases = await caughtBy(mutant)
    if (cases.length <= sharp) for (const name of cases) needed.add(name)
  }
  const unneeded = (others ?? []).map(({ name }) => name).filter((name) => !needed.has(name))
  expect(unneeded.sort()).toEqual(Object.keys(keptWithout).sort())
})

afterAll(async () => {
  const lines: string[] = []
  for (const [{ name }, found] of catchers) {
    const cases = await found
    lines.push(`${name}\n`, ...cases.slice(0, 4).map((one) => `    ${one}\n`))
    if (cases.length > 4) lines.push(`    and ${cases.length - 4} more\n`)
  }
  process.stdout.write(`${lines.join("")}${catchers.size} mutants, ${backendCases.length} cases\n`)
})
