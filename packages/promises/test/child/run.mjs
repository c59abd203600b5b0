// Runs one check, with the packages that the tests give it. Exit code 0: it passed. 1: it failed, and its message is on stderr.
// Any other: it could not be run.
import { register } from "node:module"

const { variants, check } = JSON.parse(process.argv[2] ?? "{}")
if (Object.keys(variants).length > 0) register("./hooks.mjs", import.meta.url, { data: variants })

/** @returns {Promise<() => Promise<void>>} */
async function checkOf() {
  if (check.program !== undefined) {
    const { programs } = await import("./programs.mjs")
    return () => programs[check.program](variants)
  }
  const { allScenarios, runScenario } = await import("@ckpt/conformance")
  const { MemoryBackend } = await import("@ckpt/memory")
  const scenario = allScenarios.find(({ name }) => name === check.scenario)
  if (scenario === undefined) throw new Error(`no scenario ${JSON.stringify(check.scenario)}`)
  return async () => {
    for (const layout of /** @type {const} */ (["objects", "directory"])) {
      if (scenario.layout !== undefined && scenario.layout !== layout) continue
      await runScenario(scenario, layout, () => {
        const backend = new MemoryBackend()
        return { open: () => backend }
      })
    }
  }
}

const run = await checkOf().catch((/** @type {unknown} */ error) => {
  console.error(error)
  process.exit(2)
})
try {
  await run()
  process.exit(0)
} catch (error) {
  console.error(error)
  // A mutant that only crashes breaks no rule, and shows nothing of the check.
  const crashes = ["Unrunnable", "TypeError", "ReferenceError", "SyntaxError"]
  const isUnrunnable = error instanceof Error && crashes.includes(error.constructor.name)
  process.exit(isUnrunnable ? 2 : 1)
}
