// Run in a package, behind `tsc`: makes `dist` of the modules in `build`. Each entry in the package's `exports` becomes one
// module and one file of types, since reading and linking many small files is most of an import's time. What two entries
// share is one module beside them, so that a class is the same in both.
//
// The maps lead to `src`, which is published too: traces have its lines (`node --enable-source-maps`), and so do editors.
import { readFileSync, rmSync } from "node:fs"
import { isAbsolute, relative, resolve } from "node:path"
import { RolldownMagicString, rolldown } from "rolldown"
import { dts } from "rolldown-plugin-dts"

const { exports, bin = {} } = JSON.parse(readFileSync("package.json", "utf8"))
const modules = Object.values(exports).flatMap(({ default: path }) => (path === undefined ? [] : [path]))

/** tsc's map of a file, so that the bundle's map leads to what tsc has read. */
const mapped = {
  name: "mapped",
  load: (path) => ({ code: readFileSync(path, "utf8"), map: readFileSync(`${path}.map`, "utf8") }),
}

/** The plugin puts comments behind the member before them, on its line, where TypeScript takes them for that member's. */
const ownLines = {
  name: "own-lines",
  renderChunk(code) {
    const text = new RolldownMagicString(code)
    for (const { index } of code.matchAll(/(?<=[;{] )\/\*\*/g)) text.overwrite(index - 1, index, "\n")
    return { code: text.toString(), map: text.generateMap({ hires: true }) }
  },
}

async function bundle(extension, entries, plugins) {
  const names = entries.map((path) => relative("dist", path).replace(/\.js$/, ""))
  const bundled = await rolldown({
    input: Object.fromEntries(names.map((name) => [name, resolve("build", `${name}${extension}`)])),
    platform: "node",
    external: (name) => !name.startsWith(".") && !isAbsolute(name),
    plugins: [mapped, ...plugins],
    onLog(_level, { message }) {
      throw new Error(message)
    },
  })
  const { output } = await bundled.write({
    dir: "dist",
    chunkFileNames: `shared${extension}`,
    // Types have the comments.
    comments: plugins.length > 0,
    minifyInternalExports: false,
    sourcemap: true,
  })
  const chunks = output.filter(({ type }) => type === "chunk").map(({ fileName }) => fileName)
  const limit = names.length + (names.length > 1 ? 1 : 0)
  if (chunks.length > limit) throw new Error(`${chunks.join(", ")}: more files than entries need`)
}

rmSync("dist", { recursive: true, force: true })
await bundle(".js", [...modules, ...Object.values(bin)], [])
// A command has no types.
if (modules.length > 0)
  await bundle(".d.ts", modules, [dts({ dtsInput: true, sourcemap: true, tsconfig: false }), ownLines])
