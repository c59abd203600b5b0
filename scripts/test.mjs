// npm test: every check, in order, up to the first that fails. `npm test -- lint vitest` runs only those steps. Options at the end go to
// vitest: `npm test -- vitest --project @ckpt/core`.
import { mkdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { build, capture, docs, install, publicFolders, root, run } from "./toolchain.mjs"

const results = join(root, ".results")
const report = join(results, "vitest.json")

const steps = {
  install,
  build,
  typecheck: () => run("turbo", ["run", "typecheck", "--output-logs=errors-only"]),
  lint: () => run("biome", ["check", "--error-on-warnings"]),
  docs,
  vitest,
  publint: () => eachPackage("publint", ["run", "--strict"]),
  attw: () => eachPackage("attw", ["--pack", ".", "--profile", "esm-only"]),
  knip: () => run("knip", []),
}

const given = process.argv.slice(2)
const firstOption = given.findIndex((word) => word.startsWith("-"))
const wanted = firstOption < 0 ? given : given.slice(0, firstOption)
const forVitest = given.slice(wanted.length)
const unknown = wanted.filter((name) => !(name in steps))
if (unknown.length > 0) {
  console.error(`No such step: ${unknown.join(", ")}. Steps: ${Object.keys(steps).join(", ")}`)
  process.exit(2)
}

let counts
for (const [name, step] of Object.entries(steps)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`\n=== ${name}`)
  process.exitCode = step()
  if (process.exitCode !== 0) {
    console.error(`\n${name} failed with exit code ${process.exitCode}`)
    break
  }
}
if (counts) {
  const { passed, failed, skipped } = counts
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`)
}

function vitest() {
  rmSync(results, { recursive: true, force: true })
  mkdirSync(results)
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`]
  const code = run("vitest", ["run", ...reporters, ...forVitest])
  counts = countTests()
  // If a worker died, or an error came outside of any test, the run fails although no test does.
  if (code !== 0 && counts.failed === 0) counts.failed = 1
  if (counts.failed > 0) return code || 1
  if (counts.passed === 0) {
    console.error("No test ran.")
    return 1
  }
  if (counts.skipped > 0 && process.env.CI === "true") {
    console.error("Skipped tests count as failures in CI.")
    return 1
  }
  return 0
}

function countTests() {
  let json
  try {
    json = JSON.parse(readFileSync(report, "utf8"))
  } catch {
    return { passed: 0, failed: 0, skipped: 0 }
  }
  // A file that cannot be loaded fails although it has no test.
  const brokenFiles = json.testResults.filter((f) => f.status === "failed" && f.assertionResults.length === 0).length
  return {
    passed: json.numPassedTests,
    failed: json.numFailedTests + brokenFiles,
    skipped: json.numPendingTests + json.numTodoTests,
  }
}

/** One line for each sound package, and the tool's whole output for the first that is not sound. */
function eachPackage(command, args) {
  for (const folder of publicFolders()) {
    const { code, output } = capture(command, args, { cwd: join(root, folder) })
    if (code !== 0) {
      console.error(`${folder}\n${output}`)
      return code
    }
    console.log(`${folder} ok`)
  }
  return 0
}
