// npm run powercut: stores on real filesystems that lose their power. Arguments go to its command; see --help.
import { build, install, run } from "./toolchain.mjs"

process.exitCode =
  install() || build() || run(process.execPath, ["packages/fs/powercut/run.mjs", ...process.argv.slice(2)])
