// Every program in a README, in a how-to, in docs/store or in docs/objects.md is compiled, as a stranger would who copies it into a project. Those that can
// run alone are run by the tests of their packages.
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript-lowest"
import { expect, test } from "vitest"
import { publicPackages, repository } from "./public-packages.js"

const here = fileURLToPath(new URL(".", import.meta.url))
const pagesOf = (folder: string) => readdirSync(join(repository, folder)).map((name) => join(repository, folder, name))
const readmes = [
  join(repository, "README.md"),
  ...publicPackages.map(({ folder }) => join(folder, "README.md")),
  ...pagesOf("docs/how-to"),
  ...pagesOf("docs/store"),
  join(repository, "docs/objects.md"),
]

/** The programs of the READMEs, by the path that they would have in this folder, or in one that has what they import. */
const programs = new Map<string, string>()
/** The storage that the programs for authors of storages import. */
const ofAuthors = join(here, "../src/index.ts")
for (const readme of readmes) {
  const text = readFileSync(readme, "utf8")
  for (const { index, 1: program = "" } of text.matchAll(/^```ts\n([\s\S]*?)^```/gm)) {
    const line = text.slice(0, index).split("\n").length
    const name = `${relative(repository, readme).replaceAll("/", "-")}-${line}.ts`
    // Without an import, a program would share its names with all others.
    // LangGraph is installed beside @ckpt/langgraph alone.
    const folder = /from "@langchain\//.test(program) ? join(repository, "packages/langgraph/test") : here
    programs.set(join(folder, name), `${program}\nexport {}\n`)
  }
}

const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ESNext,
  types: ["node"],
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmit: true,
}

const files = new Map([
  ...programs,
  [ofAuthors, "declare const ofTheReader: typeof MyBackend\nexport { ofTheReader as MyBackend }\n"],
])
const host = ts.createCompilerHost(options)
const { getSourceFile, fileExists, readFile, directoryExists = () => true } = host
host.directoryExists = (path) => path === dirname(ofAuthors) || directoryExists(path)
host.fileExists = (path) => files.has(path) || fileExists(path)
host.readFile = (path) => files.get(path) ?? readFile(path)
host.getSourceFile = (path, target, ...rest) => {
  const program = files.get(path)
  // The target also says that it is an ES module.
  return program === undefined ? getSourceFile(path, target, ...rest) : ts.createSourceFile(path, program, target)
}
const compiled = ts.createProgram([join(here, "around-readmes.d.ts"), ...programs.keys()], options, host)

test.each([...programs.keys()].map((path) => [relative(here, path), path]))("%s compiles", (_, path) => {
  const source = compiled.getSourceFile(path)
  expect(source).toBeDefined()
  const problems = ts.getPreEmitDiagnostics(compiled, source).map(({ messageText, start = 0 }) => {
    const line = source?.text.slice(0, start).split("\n").length
    return `${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`
  })
  expect(problems).toEqual([])
})

test("there are programs", () => {
  expect(programs.size).toBeGreaterThan(readmes.length)
})
