// npm run demo: the flight-delays example, killed again and again. Arguments go to its supervisor.
import { build, install, run } from "./toolchain.mjs"

const supervisor = "examples/flight-delays/dist/supervisor.js"
process.exitCode = install() || build() || run(process.execPath, [supervisor, ...process.argv.slice(2)])
