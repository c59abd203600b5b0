import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { race } from "../lib/race.mjs"

/**
 * The time of a process that imports core, as it is published and module by module, and of one that imports nothing.
 *
 * @param {{ rounds: number, budgetMs: number }} effort
 */
export function importRace(effort) {
  /** @param {string} path below packages/core */
  const importing = (path) => `await import(${JSON.stringify(new URL(`../../packages/core/${path}`, import.meta.url))})`
  const subjects = [
    { name: "published", program: importing("dist/index.js"), note: "one module, and one that both entries share" },
    { name: "module by module", program: importing("build/index.js"), note: "as tsc writes them" },
    { name: "Node alone", program: "" },
  ].map(({ program, ...subject }) => ({
    ...subject,
    run: () => promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]),
  }))
  return race({ id: "import", title: "a process that imports @ckpt/core", subjects }, effort)
}
