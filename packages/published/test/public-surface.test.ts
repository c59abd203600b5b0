// Each public symbol has a comment, and the public surface changes on purpose alone: exports.txt has every export of every entry, with
// its kind and its members.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { exportsOf } from "./exports.js"
import { publicPackages } from "./public-packages.js"
import { publicNames } from "./public-symbols.js"

const entries = publicPackages.flatMap((one) => one.entries)

/** Whether a comment names a word as code, with quotes or without. */
function tells(comment: string, word: string): boolean {
  return comment.includes(`\`${word}\``) || comment.includes(`\`"${word}"\``)
}

test.each(entries)(
  "$name: every public symbol and member has a comment, which names each word of a type of words",
  (entry) => {
    const names = publicNames(entry)
    expect(names.length).toBeGreaterThan(1)
    expect(names.filter(({ comment }) => comment === "").map(({ name }) => name)).toEqual([])
    const untold = names.flatMap(({ name, comment, words }) =>
      words.filter((word) => !tells(comment, word)).map((word) => `${name}: ${word}`),
    )
    expect(untold).toEqual([])
  },
)

test("the walk itself finds what has no comment", () => {
  const folder = fileURLToPath(new URL(".", import.meta.url))
  const names = publicNames({ name: "example", types: `${folder}example.d.ts`, folder })
  const found = names.map(({ name, comment, words }) => [name, comment, words] as const)
  expect(found.toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
    ["Reached", "", []],
    ["Reached.member", "", []],
    ["Told", "A type.", []],
    ["Told.method", "", []],
    ["Told.nested", "Members of members.", []],
    ["Told.nested.deep", "", []],
    ["Told.untold", "", []],
    ["Words", "", ["one", "two"]],
    ["call", "A function.", []],
  ])
})

test("each entry exports what exports.txt has", async () => {
  const sections: string[] = []
  for (const entry of entries) {
    const values = new Set(Object.keys(await import(entry.name)))
    sections.push(
      `${entry.name}\n${exportsOf(entry, values)
        .map((line) => `  ${line}\n`)
        .join("")}`,
    )
  }
  const now = sections.join("\n")
  const path = join(import.meta.dirname, "exports.txt")
  if (process.env["CKPT_UPDATE_DOCS"] === "1") writeFileSync(path, now)
  const command = "CKPT_UPDATE_DOCS=1 npm test -- build vitest --project @ckpt/published public-surface"
  expect(now, `what is exported has changed. If that is wanted: ${command}`).toBe(readFileSync(path, "utf8"))
})
