import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"

const root = join(import.meta.dirname, "../../..")
const biome = createRequire(join(root, "package.json")).resolve("@biomejs/biome/bin/biome")

/** From top to bottom; the folders of one floor do not know each other. */
const floors = [
  ["store"],
  ["commit", "recovery", "retention"],
  ["history"],
  ["state"],
  ["verify"],
  ["adapter"],
  ["storage"],
  ["format"],
  ["bytes"],
  ["async"],
  ["input"],
]
const folders = floors.flat()
const floorOf = (folder: string) => floors.findIndex((floor) => floor.includes(folder))
const mayImport = (from: string, to: string) => floorOf(from) < floorOf(to)

let tree: string

function write(path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true })
  writeFileSync(join(tree, path), text)
}

/** Applies the repository's rules to a tree of this test's own. Returns "file rule" for each finding. */
function lint(): string[] {
  const args = [biome, "lint", "--reporter=json", "--max-diagnostics=none"]
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: tree, encoding: "utf8" })
  const start = stdout.indexOf("{")
  if (start < 0) throw new Error(`biome gave no report: ${stdout}${stderr}`)
  const report = JSON.parse(stdout.slice(start)) as { diagnostics: { category: string; location: { path: string } }[] }
  return report.diagnostics.map(({ category, location }) => `${location.path} ${category.split("/").at(-1)}`)
}

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "ckpt-imports-"))
  const rules = JSON.parse(readFileSync(join(root, "biome.json"), "utf8"))
  write("biome.json", JSON.stringify({ ...rules, $schema: undefined, vcs: undefined }))
  write("packages/core/biome.json", readFileSync(join(root, "packages/core/biome.json"), "utf8"))
})

afterAll(() => rmSync(tree, { recursive: true }))

test("an import that points up or sideways fails the lint, an import that points down passes", () => {
  const expected: string[] = []
  for (const from of folders) {
    write(`packages/core/src/${from}/leaf.ts`, `export const ${from} = 1\n`)
    for (const to of [...folders, "index"]) {
      if (to === from) continue
      const file = `packages/core/src/${from}/deep/uses-${to}.ts`
      const source = to === "index" ? "../../index.js" : `../../${to}/leaf.js`
      write(file, `import type { ${to} } from "${source}"\nexport type Used = typeof ${to}\n`)
      const isDown = to === "index" ? from === "store" : mayImport(from, to)
      if (!isDown) expected.push(`${file} noRestrictedImports`)
    }
  }
  expect(lint().sort()).toEqual(expected.sort())
})

test("a circle of imports fails the lint, also a circle of types alone", () => {
  rmSync(join(tree, "packages/core/src"), { recursive: true })
  write("packages/core/src/format/a.ts", 'import type { B } from "./b.js"\nexport interface A {\n  b: B\n}\n')
  write("packages/core/src/format/b.ts", 'import type { A } from "./a.js"\nexport interface B {\n  a: A\n}\n')
  const found = ["a", "b"].map((name) => `packages/core/src/format/${name}.ts noImportCycles`)
  expect(lint().sort()).toEqual(found)
})
