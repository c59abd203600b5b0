import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { publicPackages } from "./public-packages.js"
import { publicNames } from "./public-symbols.js"

/** Whether a comment names a word as code, with quotes or without. */
function tells(comment: string, word: string): boolean {
  return comment.includes(`\`${word}\``) || comment.includes(`\`"${word}"\``)
}

test.each(publicPackages.flatMap(({ entries }) => entries))(
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
