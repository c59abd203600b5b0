// npm run explore: a million schedules of several stores over one storage. Arguments go to its command; see --help.
import { build, install, run } from "./toolchain.mjs"

process.exitCode =
  install() || build() || run(process.execPath, ["packages/exploration/dist/cli.js", ...process.argv.slice(2)])
