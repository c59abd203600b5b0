import { execFile } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import { publicPackages, repository } from "./public-packages.js"

const here = dirname(fileURLToPath(import.meta.url))

async function run(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, args, { cwd: here })).stdout
}

/** Prints the path of each file that an import loads. */
const hooks = `
import { writeSync } from "node:fs"
export function load(url, context, next) {
  if (url.startsWith("file:")) writeSync(1, new URL(url).pathname + "\\n")
  return next(url, context)
}`
const register = `
import { register } from "node:module"
register("data:text/javascript," + encodeURIComponent(${JSON.stringify(hooks)}))`

const core = ["core/dist/index.js", "core/dist/shared.js"]
const adapter = "core/dist/adapter/index.js"

const loadedBy: [entry: string, files: string[]][] = [
  ["@ckpt/core", core],
  ["@ckpt/core/adapter", [adapter, "core/dist/shared.js"]],
  // A library of a cloud is not among them: it is loaded once a store is opened.
  ...["azure", "conformance", "fs", "gcs", "langgraph", "memory", "s3"].map((name): [string, string[]] => [
    `@ckpt/${name}`,
    [adapter, ...core, `${name}/dist/index.js`],
  ]),
]

test.each(loadedBy)(
  "an import of %s loads one file for each entry, and what core's entries share",
  async (entry, files) => {
    const importing = `await import(${JSON.stringify(entry)})`
    const told = await run("--import", `data:text/javascript,${encodeURIComponent(register)}`, "-e", importing)
    const loaded = told
      .trim()
      .split("\n")
      // The library of @ckpt/conformance for random sequences is not ours, and LangGraph is not.
      .filter((path) => !path.includes("/node_modules/"))
      .map((path) => relative(join(repository, "packages"), path))
    expect(loaded.toSorted()).toEqual(files.toSorted())
  },
)

test.each([
  ["@ckpt/core", `createManifest({ checkpointId: 0, epoch: 1 })`],
  ["@ckpt/core/adapter", `checkOptions("open", { bucket: 1 }, { fields: {} })`],
  ["@ckpt/fs", `await openFsStore("file:///data")`],
  ["@ckpt/s3", `await openS3Store({ bucket: "" })`],
  ["@ckpt/gcs", `await openGcsStore({ bucket: "" })`],
  ["@ckpt/azure", `await openAzureStore({ container: "" })`],
  ["@ckpt/memory", `await openMemoryStore({ clock: 1 })`],
])("a trace from inside %s has the lines of its source", async (entry, call) => {
  const failing = `
    import * as all from ${JSON.stringify(entry)}
    const { ${call.replace("await ", "").split("(", 1)} } = all
    try { ${call} } catch (error) { console.log(error.stack) }`
  const stack = await run("--enable-source-maps", "--input-type=module", "-e", failing)
  const frames = [...stack.matchAll(/^ {4}at .*?((?:file:\/\/)?\/.*):(\d+):(\d+)\)?$/gm)]
  const ours = frames.filter(([line]) => /\/packages\/[a-z0-9]+\/(?:src|dist|build)\//.test(line))
  expect(ours.length).toBeGreaterThan(0)
  for (const [line] of ours) expect(line).toMatch(/\/src\/.*\.ts:/)
  const [[, path = "", line, column] = []] = ours
  const source = readFileSync(path.startsWith("file:") ? fileURLToPath(path) : path, "utf8").split("\n")
  expect(source[Number(line) - 1]?.slice(Number(column) - 1)).toMatch(/^new CheckpointError\(/)
})

test.each(publicPackages)(
  "$name: dist has one module and one file of types for each entry",
  ({ folder, manifest, entries }) => {
    const dist = join(folder, "dist")
    const stems = entries.map(({ types }) => relative(dist, types).replace(/\.d\.ts$/, ""))
    if (stems.length > 1) stems.push("shared")
    const modules = stems.flatMap((stem) => [".js", ".js.map", ".d.ts", ".d.ts.map"].map((ending) => stem + ending))
    // A command is no module for others, so it has no types.
    const commands = Object.values((manifest["bin"] ?? {}) as Record<string, string>).map((path) =>
      relative(dist, join(folder, path)),
    )
    // What the browser gets has no types either, and is in one file of each kind.
    const page = commands.length > 0 ? ["icon.svg", "page.css", "page.js"].map((name) => join("page", name)) : []
    const expected = [...modules, ...commands, ...commands.map((path) => `${path}.map`), ...page]
    const found = readdirSync(dist, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(dist, join(parentPath, name)))
    expect(found.toSorted()).toEqual(expected.toSorted())
    for (const file of found.filter((name) => name.endsWith(".d.ts"))) {
      expect(readFileSync(join(dist, file), "utf8")).not.toMatch(/^\s*(?:private|protected) |@internal/m)
    }
  },
)

test("each map leads to sources that are published beside it", () => {
  for (const { folder, entries } of publicPackages) {
    for (const { types } of entries) {
      for (const file of [types, types.replace(/\.d\.ts$/, ".js")]) {
        const { sources } = JSON.parse(readFileSync(`${file}.map`, "utf8")) as { sources: string[] }
        expect(sources.length).toBeGreaterThan(0)
        const found = sources.map((source) => relative(folder, join(dirname(file), source)))
        for (const source of found) {
          expect(source).toMatch(/^src\/.*\.ts$/)
          readFileSync(join(folder, source))
        }
      }
    }
  }
})
