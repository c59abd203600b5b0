import { readFileSync, writeFileSync } from "node:fs"
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

/** A mutant that breaks nearly everything says nothing about any single case. */
const sharp = 16

/** With `CKPT_MUTANTS=all`, each mutant meets every case, in some minutes, and `caught-by.json` is written anew. */
const meetsAll = process.env["CKPT_MUTANTS"] === "all"
const record = new URL("caught-by.json", import.meta.url)
/** The cases that each mutant must fail: few, and among all mutants every case. */
const recorded = JSON.parse(readFileSync(record, "utf8")) as Record<string, readonly string[]>

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

/** A random sequence of calls may miss a mutant: it answers for one that most cases catch, and for those that no other case does. */
const isRandom = (name: string) => name.startsWith("random: ")

async function failedOfAll(mutant: Mutant): Promise<string[]> {
  const found = failed(await check(mutant, 4_000, others))
  return found.some((name) => !isRandom(name)) ? found : [...found, ...failed(await check(mutant, 4_000, theirs))]
}

/** One mutant for each case, sharp ones only, and one case for each mutant. */
function fewest(found: ReadonlyMap<string, readonly string[]>): Record<string, string[]> {
  const kept: Record<string, string[]> = {}
  const sharpestFirst = [...found].sort(([, a], [, b]) => a.length - b.length)
  const sharpest = sharpestFirst.filter(([, cases]) => cases.length <= sharp)
  for (const { name } of others ?? []) {
    const among = isRandom(name) ? sharpestFirst.toReversed() : sharpest
    const [mutant] = among.find(([, cases]) => cases.includes(name)) ?? []
    if (mutant !== undefined) kept[mutant] = [...(kept[mutant] ?? []), name]
  }
  for (const [mutant, cases] of found) kept[mutant] ??= [cases.find((name) => !isRandom(name)) ?? cases[0] ?? ""]
  return kept
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

if (meetsAll) {
  test("each mutant, with every case", { timeout: 1_800_000 }, async () => {
    const found = new Map<string, string[]>()
    for (const mutant of mutants) found.set(mutant.name, await failedOfAll(mutant))
    expect([...found].filter(([, cases]) => cases.length === 0).map(([name]) => name)).toEqual([])
    const few = fewest(found)
    const inOrder = Object.fromEntries(mutants.map(({ name }) => [name, few[name]]))
    writeFileSync(record, `${JSON.stringify(inOrder, null, 2)}\n`)
  })
} else {
  test.each(mutants)("caught: $name", async (mutant) => {
    const cases = backendCases.filter(({ name }) => recorded[mutant.name]?.includes(name))
    expect(cases.map(({ name }) => name)).not.toEqual([])
    expect(failed(await check(mutant, 4_000, cases))).toEqual(cases.map(({ name }) => name))
  })

  test("every case is failed by a mutant, and nothing is recorded of a mutant or a case that is gone", () => {
    const cases = new Set(Object.values(recorded).flat())
    expect((others ?? []).filter(({ name }) => !cases.has(name)).map(({ name }) => name)).toEqual([])
    expect([...cases].filter((name) => !backendCases.some((one) => one.name === name))).toEqual([])
    expect(Object.keys(recorded)).toEqual(mutants.map(({ name }) => name))
  })
}

afterAll(() => {
  const lines = Object.entries(recorded).map(
    ([name, cases]) => `${name}\n${cases.map((one) => `    ${one}\n`).join("")}`,
  )
  process.stdout.write(`${lines.join("")}${mutants.length} mutants, ${backendCases.length} cases\n`)
})
