import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { allScenarios, backendCases } from "@ckpt/conformance"
import { expect, test } from "vitest"
import { mutants } from "../../exploration/src/mutants/index.js"
import { liars } from "../../memory/test/liars/index.js"
import { promises } from "./list/index.js"
import { pages } from "./page.js"

const repository = fileURLToPath(new URL("../../../", import.meta.url))
const all = Object.values(promises).flat()
const textOf = (file: string) => plain(readFileSync(join(repository, file), "utf8"))
/** A sentence may be broken into lines anywhere. */
const plain = (text: string) => text.replaceAll(/\s+/g, " ")

test("docs/promises is the list", () => {
  const folder = join(repository, "docs/promises")
  const wanted = pages()
  if (process.env["CKPT_UPDATE_DOCS"] === "1")
    for (const [name, text] of wanted) writeFileSync(join(folder, name), text)
  expect(readdirSync(folder).sort()).toEqual([...wanted.keys()].sort())
  for (const [name, text] of wanted)
    expect(
      readFileSync(join(folder, name), "utf8"),
      "after a change that is wanted: CKPT_UPDATE_DOCS=1 npm test -- vitest",
    ).toBe(text)
})

test("what is promised stands where users read it", () => {
  const missing = all.flatMap(({ standsIn }) =>
    standsIn.filter(([file, words]) => !textOf(file).includes(plain(words))),
  )
  expect(missing).toEqual([])
})

const bold = /^- (\*\*[^*]+\*\*)/gm

/** Sections of which each point is a promise: the file, the heading, and the points in the section. */
const sections: readonly (readonly [file: string, heading: string, points: RegExp])[] = [
  ...["core", "fs", "s3", "azure", "gcs", "cli", "langgraph"].map(
    (name) => [`packages/${name}/README.md`, "## What is promised", bold] as const,
  ),
  ["packages/memory/README.md", "## What is promised", /^- (.*)/gm],
  ["SECURITY.md", "## What is not trusted, and what is checked", /^\| (?!what |---)(.*) \|$/gm],
  ["docs/page.md", "## Who may see it", /^- ((?:.|\n {2})*)/gm],
  ["docs/compatibility.md", "## Rollback", /^\| (?!the later|---)(.*) \|$/gm],
]

test.each(sections)("each point of %s, %s, is in the list", (file, heading, pattern) => {
  const [, section = ""] = readFileSync(join(repository, file), "utf8").split(`${heading}\n`)
  const points = [...(section.split("\n## ")[0] ?? "").matchAll(pattern)].map(([, point = ""]) => plain(point))
  expect(points.length).toBeGreaterThan(1)
  const listed = all.flatMap(({ standsIn }) =>
    standsIn.filter(([where]) => where === file).map(([, words]) => plain(words)),
  )
  expect(points.filter((point) => !listed.some((words) => words.includes(point) || point.includes(words)))).toEqual([])
})

test("each promise has a check, each check a mutant, and all of them exist", () => {
  const scenarios = new Set(allScenarios.map(({ name }) => name))
  const cases = new Set(backendCases.map(({ name }) => name))
  const lying = new Map(
    Object.values(liars).flatMap((kind) => kind.map(({ name, caughtBy }) => [name, caughtBy] as const)),
  )
  const explored = new Set(mutants.map(({ name }) => name))
  for (const { says, checks } of all) {
    expect(checks, says).not.toEqual([])
    for (const check of checks) {
      if ("scenario" in check) expect(scenarios).toContain(check.scenario)
      if ("mutants" in check) expect(check.mutants, says).not.toEqual([])
      if ("explored" in check) {
        expect(check.explored, says).not.toEqual([])
        for (const name of check.explored) expect(explored).toContain(name)
      }
      if ("case" in check) {
        expect(cases).toContain(check.case)
        expect(check.liars, says).not.toEqual([])
        for (const name of check.liars) expect(lying.get(name), name).toContain(check.case)
      }
    }
  }
})

test("no promise, and no mutant of a check, is named twice", () => {
  const names = [
    ...all.map(({ says }) => says),
    ...all.flatMap(({ checks }) =>
      checks.flatMap((check) => ("mutants" in check ? check.mutants.map(({ name }) => name) : [])),
    ),
  ]
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
})
