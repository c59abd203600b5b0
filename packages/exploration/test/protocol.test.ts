import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { mutants } from "../src/mutants/index.js"

const page = readFileSync(new URL("../../../docs/protocol/rules.md", import.meta.url), "utf8")

test("each row of the protocol's table of rules names a mutant that exists", () => {
  const named = [...page.matchAll(/\| `([^`]+)` \|$/gm)].map(([, name]) => name)
  const rows = [...page.matchAll(/^\|.*\|$/gm)].length - 2
  expect(rows).toBeGreaterThan(15)
  expect(named.length, "a row without a mutant").toBe(rows)
  const all = new Set(mutants.map(({ name }) => name))
  expect(named.filter((name) => name === undefined || !all.has(name))).toEqual([])
})
