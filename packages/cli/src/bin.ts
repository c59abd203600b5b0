#!/usr/bin/env node
import { exit } from "./output/exit.js"
import { Interrupted, run } from "./program.js"

const { stdout, stderr, stdin, env } = process
const stop = new AbortController()
// A second signal ends the process at once, since nobody listens any more.
process.once("SIGINT", () => stop.abort(new Interrupted(exit.interrupted)))
process.once("SIGTERM", () => stop.abort(new Interrupted(exit.terminated)))
// A stream may fail after the command has ended, and the code is that of the command.
for (const stream of [stdout, stderr]) stream.on("error", () => {})
// A backend that waits for something which holds no handle must not end the process before the command has its answer.
const alive = setInterval(() => {}, 2 ** 30)

const code = await run(process.argv.slice(2), {
  stdout,
  stderr,
  stdin,
  env,
  cwd: process.cwd(),
  signal: stop.signal,
})
clearInterval(alive)
// All output is written. Of a backend that never answers, something may be open for ever.
process.exit(code)
