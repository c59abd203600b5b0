import { expect, test } from "vitest"
import { allScenarios, backendCases, budgetScenarios, claimCases, referenceScenarios } from "../src/index.js"

const names = {
  scenarios: [...allScenarios, ...budgetScenarios, ...referenceScenarios].map(({ name }) => name),
  cases: [...backendCases, ...claimCases].map(({ name }) => name),
}

/** A reader of a failed test sees only its name. The number of a section or the name of a document tells nothing. */
const document = /^sections?\b|\b(?:section|chapter|appendix|page|issue) #?\d|\bdesign\b|\bdocs\/|\.md\b|\bREADME\b/i

test.each(Object.entries(names))("no two %s have one name", (_, all) => {
  const seen = new Set<string>()
  const twice = all.filter((name) => seen.size === seen.add(name).size)
  expect(twice).toEqual([])
})

test.each(Object.entries(names))("the names of %s mention no document", (_, all) => {
  expect(all.filter((name) => document.test(name))).toEqual([])
})

test.each(["section 7: update keeps the checksums", "Section 5", "as the design says", "see docs/protocol.md"])(
  "a name that mentions a document is found: %s",
  (name) => {
    expect(document.test(name)).toBe(true)
  },
)
