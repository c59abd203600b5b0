// npm run matrix: `npm test` on each Node that the packages promise, one after the other. `npm run matrix -- 22 26` takes these alone. What
// follows the numbers goes to `npm test`: `npm run matrix -- 26 vitest --project @ckpt/core`.
import { build, install, run } from "./toolchain.mjs"

const given = process.argv.slice(2)
const firstOther = given.findIndex((word) => !/^\d+$/.test(word))
const wanted = firstOther < 0 ? given : given.slice(0, firstOther)
const forTest = given.slice(wanted.length)

process.exitCode = install() || build() || (await matrix())

async function matrix() {
  // From the build.
  const { nodeBinaries } = await import("../packages/node-binaries/dist/index.js")
  const nodes = nodeBinaries().toSorted((a, b) => Number(a.major) - Number(b.major))
  const majors = wanted.length > 0 ? wanted : ["20", "22", "24", "26"]
  const missing = majors.filter((major) => !nodes.some((node) => node.major === major))
  if (missing.length > 0) {
    console.error(
      `No Node ${missing.join(", ")} on this machine. There are: ${nodes.map(({ major }) => major).join(", ")}`,
    )
    return 2
  }
  const results = nodes
    .filter(({ major }) => majors.includes(major))
    .map(({ major, path }) => {
      console.log(`\n====== Node ${major}: ${path}`)
      return { major, code: run(path, ["scripts/test.mjs", ...forTest]) }
    })
  console.log()
  for (const { major, code } of results)
    console.log(`Node ${major}: ${code === 0 ? "passed" : `failed with exit code ${code}`}`)
  return results.find(({ code }) => code !== 0)?.code ?? 0
}
