// The example of a storage that somebody else would write, proved as its author would prove it; and the pages that walk through it.
import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { promisify } from "node:util"
import { backendCases, checkBackend, type TestStorage } from "@ckpt/conformance"
import ts from "typescript-lowest"
import { describe, expect, onTestFinished, test } from "vitest"
import { underNodeTest } from "../../conformance/test/under-node-test.js"
import { pack } from "./packed.js"
import { install } from "./project.js"
import { repository } from "./public-packages.js"

const example = join(repository, "examples/custom-backend")
const source = readFileSync(join(example, "src/index.ts"), "utf8")
const tests = readdirSync(join(example, "test")).filter((name) => name.endsWith(".test.mjs"))

describe("the example", () => {
  test.each(tests)("%s passes under node:test", { timeout: 900_000 }, async (name) => {
    const { text, passed } = await underNodeTest(join(example, "test", name))
    if (name !== "conformance.test.mjs") return
    // The cases of parts and leftovers alone are left out, which LMDB does not need.
    expect(text).toContain("conformance of lmdb (compare-and-swap by the storage")
    expect(passed).toBeGreaterThan(1_000)
  })

  test("it is short, and uses only what is published", () => {
    expect(source.trimEnd().split("\n").length).toBeLessThan(150)
    const files = [source, ...tests.map((name) => readFileSync(join(example, "test", name), "utf8"))]
    const imported = files.flatMap((text) => [...text.matchAll(/ from "([^"]+)"/g)].map(([, name = ""]) => name))
    const others = imported.filter((name) => !/^(node:|\.\/)/.test(name))
    expect([...new Set(others)].sort()).toEqual([
      "@ckpt-examples/custom-backend",
      "@ckpt/conformance",
      "@ckpt/core",
      "@ckpt/core/adapter",
      "lmdb",
    ])
  })

  test("the program of its README runs", async () => {
    const [, text = ""] = /^```js\n([\s\S]*?)^```/m.exec(readFileSync(join(example, "README.md"), "utf8")) ?? []
    const folder = folderOfExample("readme-")
    writeFileSync(join(folder, "program.mjs"), text)
    await promisify(execFile)(process.execPath, ["program.mjs"], { cwd: folder })
    expect(readdirSync(folder)).toContain("checkpoints.mdb")
  })

  test("it compiles and works where the packages are installed from their tarballs", async () => {
    const packed = await pack()
    onTestFinished(() => packed.dispose())
    const project = await install(packed, "npm")
    onTestFinished(() => project.dispose())
    const modules = join(project.folder, "node_modules")
    symlinkSync(realpathSync(join(example, "node_modules/lmdb")), join(modules, "lmdb"))
    writeFileSync(join(project.folder, "backend.mts"), source)
    const compiler = createRequire(import.meta.url).resolve("typescript-lowest/lib/tsc.js")
    const flags = "--module nodenext --target es2022 --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess"
    const args = [compiler, ...flags.split(" "), "--skipLibCheck", "backend.mts"]
    await promisify(execFile)(process.execPath, args, { cwd: project.folder })
    expect(await project.run(process.execPath, "program.mjs", program)).toBe("recovered whole\n")
  })
})

const program = `
import { createManifest, openCheckpointStore } from "@ckpt/core"
import { lmdbBackend, openLmdb } from "./backend.mjs"
const file = openLmdb("checkpoints.mdb")
const store = await openCheckpointStore({ backend: lmdbBackend(file) })
await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state: Buffer.from("whole") })
const found = await store.recover({ depth: "deep" })
console.log(found.outcome, Buffer.from(await (await found.checkpoint.state()).bytes()).toString())
await store.close()
await file.env.close()
`

describe("the pages about the example", () => {
  const blocks = (page: string, language: string) =>
    [
      ...readFileSync(join(repository, "docs", page), "utf8").matchAll(
        new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"),
      ),
    ].map(([, text = ""]) => text)

  test("writing-a-backend.md shows the code as it is", () => {
    const excerpts = blocks("writing-a-backend.md", "ts")
    expect(excerpts.length).toBeGreaterThan(5)
    const lines = unindented(source)
    for (const excerpt of excerpts) expect(lines).toContain(unindented(excerpt))
  })

  test("a-bug-in-a-backend.md shows what the suite says of the mistake", async () => {
    const [change = ""] = blocks("a-bug-in-a-backend.md", "diff")
    const [first, all] = blocks("a-bug-in-a-backend.md", "text")
    const side = (sign: string) =>
      change
        .split("\n")
        .filter((line) => line.startsWith(" ") || line.startsWith(sign))
        .map((line) => line.slice(1))
        .join("\n")
    const [sound, mistaken] = [side("-"), side("+")]
    expect(source.split(sound)).toHaveLength(2)
    const { outputText } = ts.transpileModule(
      source.replace(sound, () => mistaken),
      {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
      },
    )
    const folder = folderOfExample("mistaken-")
    writeFileSync(join(folder, "index.js"), outputText)
    const { lmdbBackend, openLmdb } = (await import(
      /* @vite-ignore */ pathToFileURL(join(folder, "index.js")).href
    )) as typeof import("../../../examples/custom-backend/src/index.js")
    let files = 0
    const factory = (): TestStorage => {
      const file = openLmdb(join(folder, `${++files}.mdb`))
      return { open: () => lmdbBackend(file), dispose: () => file.env.close() }
    }
    const cases = backendCases.filter(({ name }) => /^(create|replace|random): /.test(name))
    const failed = (await checkBackend({ factory, cases })).filter(({ result }) => result === "failed")
    expect(`${failed[0]?.error?.message}\n`).toBe(first)
    expect(failed.map(({ name }) => name)).toEqual(all?.trim().split("\n"))
  })
})

/** A folder in the example's own, so that the imports of a program there are found. */
function folderOfExample(prefix: string): string {
  const folder = mkdtempSync(join(example, "dist", prefix))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Without the spaces at the beginning of each line, which differ where an excerpt begins deeper. */
function unindented(text: string): string {
  return text.replaceAll(/^ +/gm, "")
}
