import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { manifestOf, publicFolders, root } from "../../scripts/toolchain.mjs"
import { race, times } from "../lib/race.mjs"
import { spread } from "../lib/stats.mjs"
import { number } from "../lib/table.mjs"
import { installSizes } from "./size.mjs"

/**
 * The time of a process that imports core, as it is published and module by module, and of one that imports nothing.
 *
 * @param {{ rounds: number, budgetMs: number }} effort
 */
export function importRace(effort) {
  /** @param {string} path below packages/core */
  const importing = (path) => importOf(join(root, "packages", "core", path))
  const subjects = [
    { name: "published", args: importing("dist/index.js"), note: "one module, and one that both entries share" },
    { name: "module by module", args: importing("build/index.js"), note: "as tsc writes them" },
    { name: "Node alone", args: ["--input-type=module", "-e", ""] },
  ].map(started)
  return race({ id: "import", title: "a process that imports @ckpt/core", subjects }, effort)
}

/**
 * The time of a new process that imports each package, against one that imports an empty module; and what an install of it brings.
 *
 * @param {{ rounds: number, budgetMs: number }} effort
 * @param {import("../lib/disk.mjs").Workplace} workplace
 */
export async function packagesRace(effort, workplace) {
  const sizes = installSizes(await workplace.fresh())
  const empty = "an empty module"
  const packages = publicFolders().map((path) => {
    const { name, exports, bin } = manifestOf(join(root, path))
    const entry = exports["."]?.default
    if (entry !== undefined) return { name, args: importOf(join(root, path, entry)) }
    const [command, file] = Object.entries(bin)[0]
    return { name, args: [join(root, path, file), "--version"], note: `the command: ${command} --version` }
  })
  const subjects = [{ name: empty, args: importOf("data:text/javascript,") }, ...packages].map(started)
  const title = "a new process that imports each package"
  const notes = [
    "Sizes are those of the files: the package alone, and with the packages that it brings. Peers, such as the SDK of a cloud, are not counted.",
  ]
  const result = await race({ id: "import-packages", title, subjects, notes }, effort)
  const before = times(result, empty)
  /** @type {Record<string, Record<string, string>>} */
  const extra = {}
  for (const { name } of packages) {
    const more = spread(times(result, name).map((ms, round) => ms - before[round])).median
    const { alone, whole } = sizes[name]
    extra[name] = {
      "ms more": number(more),
      "installed, KiB": kibibytes(alone),
      "with what it brings, KiB": kibibytes(whole),
    }
  }
  return { ...result, extra }
}

/** @param {string} what a path or a URL */
function importOf(what) {
  return ["--input-type=module", "-e", `await import(${JSON.stringify(what)})`]
}

/**
 * @param {{ name: string, args: string[], note?: string }} subject
 * @returns {import("../lib/interleave.mjs").Subject}
 */
function started({ args, ...subject }) {
  return { ...subject, run: () => promisify(execFile)(process.execPath, args) }
}

/** @param {number} bytes */
function kibibytes(bytes) {
  return Math.round(bytes / 1024).toLocaleString("en")
}
