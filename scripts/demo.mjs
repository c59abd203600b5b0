// npm run demo: the flight-delays example, killed again and again. Arguments go to its supervisor.
import { join } from "node:path"
import { build, install, root, run } from "./toolchain.mjs"

const supervisor = "examples/flight-delays/dist/supervisor.js"
process.exitCode = install() || build() || run(process.execPath, [supervisor, ...process.argv.slice(2)])
console.log(`In this repository, ckpt is:\n  alias ckpt="node ${join(root, "packages/cli/dist/bin.js")}"`)
