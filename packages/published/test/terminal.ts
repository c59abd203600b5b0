import { type ChildProcessByStdio, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { EventEmitter, once } from "node:events"
import type { Readable, Writable } from "node:stream"

/** So long may a command of a page take. A limit for what hangs; nothing waits for it to pass. */
const limitMs = 120_000

/** One shell for all commands of a page, as the reader has it: folder, variables and background processes go from one to the next. */
export class Terminal {
  readonly #shell: ChildProcessByStdio<Writable, Readable, null>
  readonly #told = new EventEmitter()
  readonly #marker = randomUUID()
  #output = ""
  /** What is before it, `shown` does not give. */
  #from = 0

  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    this.#shell = spawn("bash", ["--noprofile", "--norc"], {
      cwd,
      env,
      stdio: ["pipe", "pipe", "inherit"],
      // A group of its own, so that what a page has started ends with it.
      detached: true,
    })
    this.#shell.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text
      this.#told.emit("more")
    })
    this.#shell.once("close", () => this.#told.emit("more"))
    this.#type("exec 2>&1")
  }

  /** From here on counts for `shown` and `shows`. */
  clear(): void {
    this.#from = this.#output.length
  }

  /** Runs one command, and gives its exit code. */
  async run(command: string): Promise<number> {
    this.#type(`{ ${command}\n} </dev/null; printf '\\n%s %s\\n' ${this.#marker} $?`)
    const line = new RegExp(`\\n${this.#marker} (\\d+)\\n`)
    const [all, code] = await this.#until(() => line.exec(this.#output) ?? undefined)
    this.#output = this.#output.replace(all, "")
    return Number(code)
  }

  /** What was shown since. A shell says "Killed" in its own words, so these are left out. */
  shown(): string {
    const lines = this.#output.slice(this.#from).split("\n")
    return lines
      .filter((text) => text !== "" && !/^bash: line \d+: +\d+ Killed/.test(text))
      .map((text) => `${text}\n`)
      .join("")
  }

  /** Resolves once what was shown since matches. For commands in the background. */
  async shows(pattern: RegExp): Promise<void> {
    await this.#until(() => (pattern.test(this.shown()) ? true : undefined))
  }

  /** Ends the shell and all that it has started. */
  async close(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.pid === undefined) return
    const closed = once(this.#shell, "close")
    process.kill(-this.#shell.pid, "SIGKILL")
    await closed
  }

  #type(text: string): void {
    this.#shell.stdin.write(`${text}\n`)
  }

  async #until<T>(find: () => T | undefined): Promise<T> {
    const signal = AbortSignal.timeout(limitMs)
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      const isGone = this.#shell.exitCode !== null || this.#shell.signalCode !== null
      const more = isGone ? Promise.reject(new Error("the shell has ended")) : once(this.#told, "more", { signal })
      await more.catch((cause: unknown) => {
        throw new Error(`The terminal does not show what it should. It shows:\n${this.#output.slice(this.#from)}`, {
          cause,
        })
      })
    }
  }
}
