// npm run soak: many processes on one store, killed and stopped at random. Arguments go to its command; see --help.
import { build, install, run } from "./toolchain.mjs"

process.exitCode =
  install() || build() || run(process.execPath, ["packages/soak/dist/cli.js", ...process.argv.slice(2)])
