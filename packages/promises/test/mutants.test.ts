import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, test } from "vitest"
import { promises } from "./list/index.js"
import type { Mutant, ProgramCheck, ScenarioCheck } from "./promise.js"

const packages = fileURLToPath(new URL("../../", import.meta.url))
const child = fileURLToPath(new URL("child/run.mjs", import.meta.url))

/** The specifiers of each package, and the modules of its build that they lead to. */
const entries = {
  core: { "@ckpt/core": "index.js", "@ckpt/core/adapter": "adapter/index.js" },
  fs: { "@ckpt/fs": "index.js" },
  cli: {},
  conformance: { "@ckpt/conformance": "index.js" },
  langgraph: { "@ckpt/langgraph": "index.js" },
}

const checks = Object.values(promises)
  .flat()
  .flatMap((promise) => promise.checks)
  .filter((check): check is ScenarioCheck | ProgramCheck => "scenario" in check || "program" in check)

describe.each(checks.map((check) => ["scenario" in check ? check.scenario : check.program, check] as const))(
  "%s",
  (_, check) => {
    // Scenarios over memory without a mutant are run by the tests of @ckpt/memory.
    if ("program" in check) {
      test("passes", async () => {
        const { code, stderr } = await run(check, {})
        expect(code, stderr).toBe(0)
      })
    }

    test.each(check.mutants.map((mutant) => [mutant.name, mutant] as const))("fails if %s", async (_name, mutant) => {
      const folder = await copyWith(mutant)
      try {
        const { code, stderr } = await run(check, { [mutant.package]: { folder, entries: entries[mutant.package] } })
        // Node ends with 13 if what a program awaits can no longer come.
        expect(code, `the check passes with the mutant, or could not be run\n${stderr}`).toBe(mutant.isAwaited ? 13 : 1)
      } finally {
        await rm(dirname(folder), { recursive: true })
      }
    })
  },
)

/** A copy of the package's build with the mutant's text replaced. It lies where its imports are found. */
async function copyWith({ package: name, file, find, replace }: Mutant): Promise<string> {
  const build = join(packages, name, "build")
  const place = join(packages, name, "node_modules/.variants")
  await mkdir(place, { recursive: true })
  const whole = await mkdtemp(join(place, "mutant-"))
  const folder = join(whole, "build")
  await cp(build, folder, { recursive: true, filter: (source) => !/\.(?:map|d\.ts)$/.test(source) })
  await writeFile(join(whole, "package.json"), await readFile(join(packages, name, "package.json")))
  const path = file === "package.json" ? join(whole, file) : join(folder, `${file}.js`)
  const parts = (await readFile(path, "utf8")).split(find)
  if (parts.length !== 2) {
    await rm(whole, { recursive: true })
    throw new Error(
      `${JSON.stringify(find)} stands ${parts.length - 1} times in ${name}'s ${file}, not once: bring it up to date`,
    )
  }
  await writeFile(path, parts.join(replace))
  return folder
}

function run(check: ScenarioCheck | ProgramCheck, variants: object): Promise<{ code: number; stderr: string }> {
  const given = JSON.stringify({
    variants,
    check: "scenario" in check ? { scenario: check.scenario } : { program: check.program },
  })
  return new Promise((resolve) => {
    execFile(process.execPath, [child, given], { timeout: 50_000 }, (error, _, stderr) => {
      // A check that hangs is killed, and has no code: that is no failure that a user would be told of.
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : 3, stderr })
    })
  })
}
