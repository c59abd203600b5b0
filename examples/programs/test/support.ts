import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Checkpoint, openFsStore } from "@ckpt/fs"
import fc from "fast-check"
import { expect, onTestFinished } from "vitest"

/** When a program is interrupted: in place of this change of the filesystem, from 1, after so many lines of its output. */
export interface Moment {
  readonly lines: number
  readonly change: number
}

/** One life of a program. */
export interface Life {
  readonly lines: readonly string[]
  readonly signal: NodeJS.Signals | null
  readonly status: number | null
  readonly errors: string
}

const preload = new URL("./process/interrupt.mjs", import.meta.url).href

/** A program as a user starts it, from the build. */
export class Program {
  readonly #file: string
  readonly source: string

  constructor(name: string) {
    this.#file = fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url))
    this.source = readFileSync(new URL(`../src/${name}.ts`, import.meta.url), "utf8")
  }

  /** Runs it to its end, or to the moment when it is killed. */
  run(args: readonly string[], killed?: Moment): Life {
    const { given, env } = this.#command(args, killed && { ...killed, how: "kill" })
    // A program that hangs is ended by SIGTERM, which no test takes for a kill.
    const options = { env, encoding: "utf8", timeout: 300_000 } as const
    const { stdout, stderr, signal, status } = spawnSync(process.execPath, given, options)
    return { lines: stdout.split("\n").filter((line) => line !== ""), signal, status, errors: stderr }
  }

  /** Runs it to its end, which must be a good one, and gives its lines. */
  finish(args: readonly string[]): readonly string[] {
    const { lines, errors, status } = this.run(args)
    expect({ errors, status }).toEqual({ errors: "", status: 0 })
    return lines
  }

  /** Starts it, and holds it from that moment on: it lives, and does nothing more. Resolves once it has printed the lines. */
  async held(args: readonly string[], at: Moment): Promise<Held> {
    const { given, env } = this.#command(args, { ...at, how: "hold" })
    const child = spawn(process.execPath, given, { env, stdio: ["ignore", "pipe", "inherit"] })
    onTestFinished(() => void child.kill("SIGKILL"))
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
    await new Promise<void>((resolve, reject) => {
      let left = at.lines
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        left -= text.split("\n").length - 1
        if (left <= 0) resolve()
      })
      child.once("close", () => reject(new Error("it ended before it was held")))
    })
    return {
      goOn() {
        child.kill("SIGUSR2")
        return ended
      },
    }
  }

  #command(args: readonly string[], interrupted: (Moment & { readonly how: "kill" | "hold" }) | undefined) {
    const given = [this.#file, ...args]
    if (interrupted === undefined) return { given, env: process.env }
    const { how, lines, change } = interrupted
    const env = { ...process.env, INTERRUPT: how, AFTER_LINES: `${lines}`, AT_CHANGE: `${change}` }
    return { given: ["--import", preload, ...given], env }
  }
}

export interface Held {
  /** Lets it go on, and resolves with its status. */
  goOn(): Promise<number | null>
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ckpt-programs-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The content of each file of a folder, by its name, without folders in it. None if there is no such folder yet. */
export function contentOf(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {}
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(files.map(({ name }) => [name, readFileSync(join(folder, name), "latin1")]))
}

/** The highest id whose manifest and state verify, byte by byte. */
export async function newest(root: string): Promise<number | undefined> {
  return (await newestCheckpoint(root))?.id
}

/** The JSON of one operator of the newest checkpoint that verifies, or of its state; `undefined` if there is none. */
export async function newestJson<T>(root: string, operator?: string): Promise<T | undefined> {
  return (await newestCheckpoint(root, (checkpoint) => checkpoint.json<T>(operator)))?.value
}

async function newestCheckpoint<T>(root: string, read?: (checkpoint: Checkpoint) => Promise<T>) {
  const store = await openFsStore(root, { readOnly: true })
  try {
    for (const id of (await store.ids()).reverse()) {
      const { valid } = await store.verify(id, { depth: "deep" })
      if (valid) return { id, value: await read?.(await store.open(id)) }
    }
    return undefined
  } finally {
    await store.close()
  }
}

/**
 * One life of a program over a store, ended by SIGKILL. What it recovers is the newest checkpoint that verifies, and what it said it
 * saved is there afterwards. Gives its lines.
 */
export async function killedAt(program: Program, folder: string, moment: Moment): Promise<readonly string[]> {
  const root = join(folder, "store")
  const before = await newest(root)
  const { lines, signal, errors } = program.run([folder], moment)
  const at = `${JSON.stringify(moment)}, killed after: ${lines.at(-1)}`
  expect({ signal, errors }, at).toEqual({ signal: "SIGKILL", errors: "" })
  if (lines.length > 0) expect(lines[0], at).toBe(`recovered ${before ?? "nothing"}`)
  const saved = lines.map((line) => Number(/^saved (\d+)/.exec(line)?.[1] ?? 0))
  expect((await newest(root)) ?? 0, at).toBeGreaterThanOrEqual(Math.max(0, ...saved))
  return lines
}

/** Flips one bit of a file. */
export function damage(file: string): void {
  const bytes = readFileSync(file)
  const middle = Math.floor(bytes.length / 2)
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 4, middle)
  writeFileSync(file, bytes)
}

const seed = Number(process.env["CKPT_SEED"] ?? Math.floor(Math.random() * 2 ** 31))

/** Moments by chance. The seed is printed; CKPT_SEED plays it again. */
export function momentsByChance(count: number, mostLines: number): readonly Moment[] {
  console.log(`moments by chance: CKPT_SEED=${seed}`)
  const moment = fc.record({ lines: fc.nat(mostLines), change: fc.integer({ min: 1, max: 20 }) })
  return fc.sample(moment, { numRuns: count, seed })
}

/** A program is short by the interface that it uses: no helpers in files of its own, and no long lines. */
export function expectShort({ source }: Program): void {
  const lines = source.trimEnd().split("\n")
  expect(lines.length).toBeLessThan(60)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120)
  const imported = [...source.matchAll(/ from "([^"]+)"/g)].map(([, name]) => name)
  expect(imported.filter((name) => !name?.startsWith("node:"))).toEqual(["@ckpt/fs"])
}
