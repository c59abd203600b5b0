#!/usr/bin/env node
import { exit } from "./output/exit.js"
import { Interrupted, run } from "./program.js"

const { stdout, stderr, stdin, env } = process
const stop = new AbortController()
// A second signal ends the process at once, since nobody listens any more.
process.once("SIGINT", () => stop.abort(new Interrupted(exit.interrupted)))
process.once("SIGTERM", () => stop.abort(new Interrupted(exit.terminated)))

process.exitCode = await run(process.argv.slice(2), {
  stdout,
  stderr,
  stdin,
  env,
  cwd: process.cwd(),
  signal: stop.signal,
})
