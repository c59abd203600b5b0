import { fileURLToPath } from "node:url"
import ts from "typescript-lowest"
import { expect, test } from "vitest"
import { libraries } from "./public-packages.js"

test.each([ts.ScriptTarget.ES2022, ts.ScriptTarget.ESNext])(
  "TypeScript 5.6 takes the types of every package, which it checks too, with target %s",
  (target) => {
    expect(ts.version).toMatch(/^5\.6\./)
    const consumer = fileURLToPath(new URL("consumer.ts", import.meta.url))
    const program = ts.createProgram([consumer], {
      module: ts.ModuleKind.NodeNext,
      target,
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
    })
    // The SDKs of the clouds bring types of their own, with mistakes of their own.
    const folders = libraries.map(({ folder }) => `${folder}/dist/`)
    const isOurs = (file: string) => file === consumer || folders.some((folder) => file.startsWith(folder))
    const seen = program.getSourceFiles().map(({ fileName }) => fileName)
    for (const folder of folders) expect(seen.some((file) => file.startsWith(folder))).toBe(true)
    const problems = ts
      .getPreEmitDiagnostics(program)
      .filter(({ file }) => file === undefined || isOurs(file.fileName))
      .map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`)
    expect(problems).toEqual([])
  },
)
