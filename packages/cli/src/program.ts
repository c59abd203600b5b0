import { readFileSync } from "node:fs"
import type { Readable } from "node:stream"
import { CheckpointError } from "@ckpt/core"
import { Command, CommanderError } from "commander"
import { catCommand } from "./commands/cat.js"
import type { Context } from "./commands/context.js"
import { copyCommand } from "./commands/copy.js"
import { diffCommand } from "./commands/diff.js"
import { doctorCommand } from "./commands/doctor.js"
import { exportCommand } from "./commands/export.js"
import { gcCommand } from "./commands/gc.js"
import { importCommand } from "./commands/import.js"
import { lsCommand } from "./commands/ls.js"
import { pinCommand, unpinCommand } from "./commands/pin.js"
import { pruneCommand } from "./commands/prune.js"
import { recoverCommand } from "./commands/recover.js"
import { rmCommand } from "./commands/rm.js"
import { serveCommand } from "./commands/serve.js"
import { showCommand } from "./commands/show.js"
import { refuseTwice } from "./commands/store-command.js"
import { verifyCommand } from "./commands/verify.js"
import { watchCommand } from "./commands/watch.js"
import { type ExitCode, exit, exitCodeOf } from "./output/exit.js"
import { jsonLine } from "./output/json.js"
import { systemFailure } from "./output/system.js"
import { type OutputStream, ReaderGone, Terminal } from "./output/terminal.js"
import { clean, cleanLines, messageOf } from "./output/text.js"

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }

/** The reason of an abort by a signal of the process. */
export class Interrupted extends Error {
  override readonly name = "Interrupted"
  readonly exitCode: ExitCode
  constructor(exitCode: ExitCode) {
    super("interrupted")
    this.exitCode = exitCode
  }
}

/** What a run needs of its process. */
export interface Surroundings {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly stdin: Readable
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** Aborted, with {@link Interrupted}, when the command shall end. */
  readonly signal: AbortSignal
}

/** The commands, in the order of `--help`. */
const commands = [
  lsCommand,
  showCommand,
  catCommand,
  diffCommand,
  verifyCommand,
  recoverCommand,
  watchCommand,
  doctorCommand,
  pruneCommand,
  gcCommand,
  rmCommand,
  pinCommand,
  unpinCommand,
  copyCommand,
  exportCommand,
  importCommand,
  serveCommand,
]

/** Runs one command line. Gives the exit code, and never rejects. */
export async function run(
  args: readonly string[],
  { stdout, stderr, stdin, env, cwd, signal }: Surroundings,
): Promise<ExitCode> {
  const gone = new AbortController()
  const terminal = new Terminal({ stdout, stderr, env, signal, onGone: (reason) => gone.abort(reason) })
  let code: ExitCode = exit.fine
  const context: Context = {
    ...{ terminal, env, cwd, stdin },
    signal: AbortSignal.any([signal, gone.signal]),
    finish(ended) {
      code = ended
    },
  }
  const failed = (error: unknown) => told(reasonOf(error, context.signal), terminal, args.includes("--json"))
  try {
    await programOf(context).parseAsync(args, { from: "user" })
  } catch (error) {
    code = failed(error)
  }
  try {
    await terminal.flushed()
  } catch (error) {
    // Help that nobody gets.
    if (code === exit.fine) code = failed(error)
  }
  terminal.release()
  return code
}

function programOf(context: Context): Command {
  const { terminal } = context
  const program = new Command("ckpt")
    .description("Look at, verify, copy and prune checkpoints, on any storage.")
    .version(version)
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText("after", moreHelp)
  for (const command of commands) program.addCommand(command(context))
  for (const command of [program, ...program.commands]) {
    refuseTwice(command)
    command
      .exitOverride()
      .helpOption("-h, --help", "show this help")
      .configureOutput({
        writeOut: (text) => terminal.writeSoon(text),
        writeErr: (text) => terminal.note(text.replace(/\n$/, "")),
        // Unknown options and commands come from whoever calls.
        outputError: (text, write) => write(`ckpt: ${cleanLines(text.trimEnd())}\n`),
        getOutHelpWidth: () => terminal.textWidth,
        getErrHelpWidth: () => terminal.textWidth,
      })
  }
  return program
}

const moreHelp = `
ckpt help COMMAND shows the options of a command, and examples.
Exit codes: 0 fine; 1 something is damaged, is not there, or was refused; 2 wrong usage; 3 the storage cannot be reached.
A store is a URL: file:./data, s3://bucket/prefix, gs://bucket/prefix, az://account/container/prefix.`

/** Node's own streams reject with an error of theirs where a signal was aborted. */
function reasonOf(error: unknown, signal: AbortSignal): unknown {
  return signal.aborted && error instanceof Error && error.name === "AbortError" ? signal.reason : error
}

/** Tells an error on stderr, and gives its exit code. */
function told(error: unknown, terminal: Terminal, asJson: boolean): ExitCode {
  if (error instanceof ReaderGone) return exit.fine
  if (error instanceof CommanderError) return error.exitCode === 0 ? exit.fine : exit.usage
  const system = systemFailure(error)
  const code = error instanceof Interrupted ? error.exitCode : (system?.exitCode ?? exitCodeOf(error))
  const message = system?.message ?? messageOf(error)
  const errorCode = error instanceof CheckpointError ? error.code : undefined
  if (asJson) terminal.note(jsonLine("error", { code: errorCode, message, exitCode: code }))
  else terminal.note(`ckpt: ${clean(message)}${errorCode === undefined ? "" : ` (${errorCode})`}`)
  return code
}
