import { backendCases, type CaseResult, checkBackend } from "@ckpt/conformance"
import { afterAll, describe, expect, test } from "vitest"
import { completeMemory } from "../mutants/complete-memory.js"
import { mutated } from "../mutants/support.js"
import { honest } from "./honest.js"
import { liars } from "./index.js"
import type { Liar } from "./support.js"

const all = Object.values(liars).flat()
const named = new Set(all.flatMap(({ caughtBy }) => caughtBy))

/** They run side by side, since some wait for clocks: each takes the time of all. */
const long = { timeout: 600_000 }

/** The cases that must see this liar, and no other: all cases for each liar would take minutes. */
function check({ caughtBy, inParts, eachOpen, ...liar }: Liar): Promise<CaseResult[]> {
  return checkBackend({
    factory: () => {
      const real = completeMemory({ inParts })
      const open = () => mutated(liar, real)
      const shared = open()
      return { open: eachOpen === true ? open : () => shared }
    },
    cases: backendCases.filter(({ name }) => caughtBy.includes(name)),
    largeBytes: 1_200_000,
    // Some liars are seen because a call never answers.
    timeoutMs: 2_000,
    seed: 1,
  })
}

test("each liar has a name of its own, and names cases that exist", () => {
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
  expect([...named].filter((name) => !backendCases.some((one) => one.name === name))).toEqual([])
  expect(all.filter(({ caughtBy }) => caughtBy.length === 0).map(({ name }) => name)).toEqual([])
})

test.each([true, false])(
  "what the liars are made of passes the cases that see them, with parts: %s",
  async (inParts) => {
    const results = await checkBackend({
      factory: () => {
        const real = completeMemory({ inParts })
        const backend = inParts ? real : honest.reduce((one, layer) => mutated(layer, one), real)
        return { open: () => backend }
      },
      cases: backendCases.filter(({ name }) => named.has(name)),
      largeBytes: 1_200_000,
      seed: 1,
    })
    expect(results.flatMap(({ error }) => error?.message ?? [])).toEqual([])
  },
)

describe.each(Object.entries(liars))("%s", (_, kind) => {
  test.concurrent.each(kind)("caught: $name", long, async (liar) => {
    const results = await check(liar)
    expect(results.filter(({ result }) => result === "failed").map(({ name }) => name)).toEqual(
      backendCases.map(({ name }) => name).filter((name) => liar.caughtBy.includes(name)),
    )
  })
})

afterAll(() => {
  const lines = all.map(({ name, caughtBy }) => `${name}\n${caughtBy.map((one) => `    ${one}\n`).join("")}`)
  process.stdout.write(`${lines.join("")}${all.length} liars, seen by ${named.size} of ${backendCases.length} cases\n`)
})
