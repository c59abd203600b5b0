import { spawn } from "node:child_process"
import { once } from "node:events"
import { bin } from "./ckpt.js"

/** What was seen on a terminal. */
export interface Seen {
  readonly code: number
  /** Every byte that the terminal got. */
  readonly raw: string
  /** The lines as they stand at the end, with colours as `␛[31m`. */
  readonly screen: string
}

/** Runs a command line on a pseudo-terminal of so many columns. */
export async function onTerminal(args: readonly string[], columns: number, env: NodeJS.ProcessEnv = {}): Promise<Seen> {
  const words = [process.execPath, "--no-warnings", bin, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`)
  const command = `stty cols ${columns} rows 50 && exec ${words.join(" ")}`
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { PATH: process.env["PATH"], TERM: "xterm-256color", SHELL: "/bin/bash", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  })
  const chunks: Buffer[] = []
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
  const [code] = await once(child, "close")
  const raw = Buffer.concat(chunks).toString("utf8")
  return { code, raw, screen: screenOf(raw) }
}

/** The part of a terminal that the command uses: returns, the column, the clearing of a line. Colours stay in the text. */
function screenOf(raw: string): string {
  const lines: string[] = []
  let line = ""
  let column = 0
  for (const [token] of raw.matchAll(/\x1b\[[0-9;?]*[A-Za-z]|\x1b[78]|\r|\n|[^\x1b\r\n]+/g)) {
    if (token === "\n") {
      lines.push(line)
      line = ""
      column = 0
    } else if (token === "\r" || token === "\x1b[1G" || token === "\x1b[0G") column = 0
    else if (/^\x1b\[[0-9]*K$/.test(token)) line = line.slice(0, column)
    else if (!/^\x1b(?:\[\?|[78])/.test(token)) {
      const text = token.replace("\x1b", "␛")
      line = line.slice(0, column) + text + line.slice(column + text.length)
      column += text.length
    }
  }
  return [...lines, line].join("\n")
}
