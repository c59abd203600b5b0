// npm run pnpm -- <arguments>: the pinned pnpm, for every task without a script of its own.
import { bringPnpm, run } from "./toolchain.mjs"

process.exitCode = bringPnpm() || run("pnpm", process.argv.slice(2))
