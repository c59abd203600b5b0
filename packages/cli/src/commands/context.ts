import type { Readable } from "node:stream"
import type { ExitCode } from "../output/exit.js"
import type { Terminal } from "../output/terminal.js"

/** What every command gets from whoever runs it. */
export interface Context {
  readonly terminal: Terminal
  /** Aborted by Ctrl-C, and once the reader of the output is gone. */
  readonly signal: AbortSignal
  /** The folder that relative paths start from. */
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly stdin: Readable
  /** Says how the command ended. Without it: fine. */
  finish(code: ExitCode): void
}
