// npm run explore: a million schedules of several stores over one storage. Arguments go to it: --help says which.
import { build, install, run } from "./toolchain.mjs"

process.exitCode =
  install() || build() || run(process.execPath, ["packages/exploration/dist/cli.js", ...process.argv.slice(2)])
