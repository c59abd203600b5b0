// Starts the agent, kills it while it waits for a person, and goes on in another process, from another folder.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { homedir, tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"

const program = join(import.meta.dirname, "agent.js")
const folder = await mkdtemp(join(tmpdir(), "ckpt-agent-"))
const thread = "ada@example.com, a weekend"

function start(cwd: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [program, folder, thread, ...args], { cwd, stdio: ["ignore", "pipe", "inherit"] })
}

/** Shows what a process prints, up to a line that begins so, or to its end. */
async function shown(child: ChildProcess, until: string): Promise<void> {
  if (child.stdout === null) return
  for await (const line of createInterface(child.stdout)) {
    console.log(line)
    if (line.trim().startsWith(until)) return
  }
}

try {
  console.log("the first process:")
  const first = start(process.cwd(), "Porto on Saturday")
  await shown(first, "asks:")
  first.kill("SIGKILL")
  const [, signal] = await once(first, "exit")
  console.log(`it is killed: ${signal}`)

  console.log("the second process, with the answer:")
  const second = start(homedir(), "--answer", "yes")
  const ended = once(second, "exit")
  await shown(second, "never")
  const [code] = await ended
  process.exitCode = code
} finally {
  await rm(folder, { recursive: true, force: true })
}
