import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { Readable, Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import { run } from "../src/program.js"

/** The command as users have it. */
export const bin = fileURLToPath(new URL("../dist/bin.js", import.meta.url))
/** A backend of a third party: memory, by URL. */
export const memoryModule = fileURLToPath(new URL("backends/memory.mjs", import.meta.url))

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface Given {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Columns, of a stdout that is no terminal. */
  readonly width?: number
  readonly signal?: AbortSignal
  readonly stdin?: Readable
  /** Called with each chunk of stdout, before the command goes on. */
  readonly onOutput?: (text: string) => void
  /** Called with each chunk of stderr. */
  readonly onNote?: (text: string) => void
}

/** Runs a command line in this process. */
export async function ckpt(args: readonly string[], given: Given = {}): Promise<Outcome> {
  const {
    cwd = process.cwd(),
    env = {},
    width,
    signal = new AbortController().signal,
    onOutput = () => {},
    onNote = () => {},
  } = given
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  const into = (chunks: Buffer[], told: (text: string) => void) =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(Buffer.from(chunk))
        told(chunk.toString("utf8"))
        done()
      },
    })
  const code = await run(args, {
    stdout: into(stdout, onOutput),
    stderr: into(stderr, onNote),
    stdin: given.stdin ?? Readable.from([]),
    env: { ...env, ...(width === undefined ? {} : { COLUMNS: String(width) }) },
    ...{ cwd, signal },
  })
  return { code, stdout: Buffer.concat(stdout).toString("utf8"), stderr: Buffer.concat(stderr).toString("utf8") }
}

/** The objects of an answer with `--json`. */
export function objects({ stdout }: Pick<Outcome, "stdout">): Record<string, unknown>[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
}

/** A command line as a process of its own. */
export class CkptProcess {
  readonly child: ChildProcess
  stdout = ""
  stderr = ""
  /** Code and signal of its end. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>

  constructor(args: readonly string[], { cwd, env = {} }: Pick<Given, "cwd" | "env"> = {}) {
    this.child = spawn(process.execPath, ["--no-warnings", bin, ...args], {
      ...(cwd === undefined ? {} : { cwd }),
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "pipe", "pipe"],
    })
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.stdout += chunk
    })
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.stderr += chunk
    })
    this.ended = once(this.child, "close").then(([code, signal]) => ({ code, signal }))
  }

  /** Resolves once stdout has so many lines. */
  async lines(count: number): Promise<void> {
    while (this.stdout.split("\n").length <= count) {
      const ended = await Promise.race([once(this.child.stdout as Readable, "data").then(() => undefined), this.ended])
      if (ended !== undefined) throw new Error(`ended with ${ended.code} before line ${count}: ${this.stderr}`)
    }
  }
}

/** Runs shell text, in which `ckpt` is the command. */
export async function shell(text: string, env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const script = `ckpt() { "${process.execPath}" --no-warnings "${bin}" "$@"; }\n${text}`
  const child = spawn("bash", ["-c", script], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk
  })
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk
  })
  const [code] = await once(child, "close")
  return { code, stdout, stderr }
}
