import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, test } from "vitest"
import { allScenarios, backendCases } from "../src/index.js"

const docs = join(import.meta.dirname, "../../../docs")
const pageOf = (name: string) => readFileSync(join(docs, name), "utf8")
const names = new Set([...allScenarios, ...backendCases].map(({ name }) => name))

/** A page from its last heading; the whole page if it has one heading alone. */
const lastSection = (text: string) => text.slice(text.lastIndexOf("\n## ") + 1)

/** The last cell of each row of the table that is the page's last. */
function lastCells(text: string): string[] {
  const rows = lastSection(text).matchAll(/^\|(?<cells>.*)\|$/gm)
  const cells = [...rows].map(({ groups }) => groups?.["cells"]?.split("|").at(-1)?.trim() ?? "")
  // The heading, and the line below it.
  return cells.slice(2)
}

/** The names in a cell, each with the file that it stands in; a scenario or case has no file. */
function namesIn(cell: string): { name: string; file?: string | undefined }[] {
  const quoted = /(`+)(?<name>.+?)\1(?!`)(?: in \[[^\]]*\]\((?<file>[^)]+)\))?/g
  return [...cell.matchAll(quoted)].map(({ groups }) => ({ name: groups?.["name"] ?? "", file: groups?.["file"] }))
}

/** Whether a file of tests has a test or a group of tests of this name. */
function hasTest(page: string, file: string, name: string): boolean {
  const source = readFileSync(join(docs, dirname(page), file), "utf8")
  return ['"', "'", "`"].some(
    (quote) =>
      source.includes(`(${quote}${name}${quote}`) ||
      ["  ", "    "].some((indent) => source.includes(`\n${indent}${quote}${name}${quote},`)),
  )
}

/** Of the rows of a text: names that no scenario, case or test has, and rows without a name. */
function strangers(page: string, text: string): string[] {
  return lastCells(text).flatMap((cell) => {
    const found = namesIn(cell)
    if (found.length === 0) return [`no name in: ${cell}`]
    const unknown = found.filter(({ name, file }) =>
      file === undefined ? !names.has(name) : !hasTest(page, file, name),
    )
    return unknown.map(({ name }) => name)
  })
}

test.each([
  ["protocol/crashes.md", "# Crashes", 20],
  ["compatibility.md", "## What the tests show", 10],
])("%s: each row of the table below %s names a scenario or test that exists", (name, heading, rows) => {
  const text = pageOf(name)
  expect(lastSection(text)).toMatch(new RegExp(`^${heading}\n`))
  expect(lastCells(text).length).toBeGreaterThan(rows)
  expect(strangers(name, text)).toEqual([])
})

test.each([
  ["a scenario that does not exist", "`crash after lunch`", ["crash after lunch"]],
  ["a test that does not exist", "`sleeps` in [claim.test.ts](../../packages/fs/test/claim/claim.test.ts)", ["sleeps"]],
  ["no name", "see above", ["no name in: see above"]],
])("a row with %s is found", (_, cell, found) => {
  const page = "protocol/crashes.md"
  expect(strangers(page, `${pageOf(page)}| a step | an object | nothing | nobody | ${cell} |\n`)).toEqual(found)
})
