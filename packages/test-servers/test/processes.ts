import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { onTestFinished } from "vitest"

/** A program of `test/process`, ended with its test at the latest. */
export function runProgram(name: string, ...args: string[]) {
  const program = fileURLToPath(new URL(`process/${name}`, import.meta.url))
  const child = spawn(process.execPath, [program, ...args], { stdio: ["pipe", "pipe", "pipe"] })
  let errors = ""
  child.stderr.on("data", (text: Buffer) => {
    errors += text.toString()
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  onTestFinished(async () => void (await kill(child)))
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${name} ended: ${errors}`)
    return value
  }
  return { child, pid: child.pid!, line, stderr: () => errors }
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, "exit")
  child.kill("SIGKILL")
  await exited
}

/** A process of this machine. Its start tells it from a later process of the same number. */
export interface Process {
  readonly pid: number
  readonly started: string
  readonly command: string
}

/** All descendants of a process. */
export function descendants(pid: number): Process[] {
  const children = allProcesses().filter(({ parent }) => parent === pid)
  return children.flatMap((child) => [child, ...descendants(child.pid)])
}

export function stillThere(processes: readonly Process[]): string[] {
  const now = allProcesses()
  const same = (one: Process, other: Process) => one.pid === other.pid && one.started === other.started
  return processes.filter((one) => now.some((other) => same(one, other))).map(({ command }) => command)
}

/** The addresses ("0100007F:1F90") on which the processes listen. */
export function listeningAddresses(processes: readonly Process[]): string[] {
  const inodes = new Set(processes.flatMap(({ pid }) => sockets(pid)))
  const rows = ["tcp", "tcp6"].flatMap((name) => readFileSync(`/proc/net/${name}`, "utf8").trim().split("\n").slice(1))
  const fields = rows.map((row) => row.trim().split(/\s+/))
  return fields.filter(([, , , state, , , , , , inode]) => state === "0A" && inodes.has(inode!)).map((row) => row[1]!)
}

function sockets(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1] ?? []
    } catch {
      return []
    }
  })
}

function allProcesses(): (Process & { parent: number })[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8")
      const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim()
      if (state === "Z") return []
      return { pid: Number(name), parent: Number(parent), started: rest[17]!, command }
    } catch {
      return []
    }
  })
}
