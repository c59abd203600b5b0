// The page of `ckpt serve` beside the demo: checkpoints appear, a damaged one turns red, and recovery goes past it.

import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as delay } from "node:timers/promises"
import type { TimelineEntry } from "./supervise.js"

/** The demo goes on so slowly that a reader can follow: milliseconds after each life of the worker, and after each damage. */
const pauseMs = { run: 900, damaged: 4_000, reference: 3_000 } as const

export interface DemoPage {
  readonly url: string
  /** Waits until a reader has seen it. */
  shown(entry: TimelineEntry): Promise<void>
  /** Resolves when the page has ended, as by Ctrl-C. */
  readonly ended: Promise<unknown>
  end(): Promise<void>
}

/** Serves a page about the store, also before the store is there, and opens it in a browser if there is one. */
export async function openPage(store: string): Promise<DemoPage> {
  const args = [command(), "serve", `file:${store}`, "--port", "0", "--verify-every", "100ms"]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
  const ended = once(child, "exit")
  const url = await Promise.race([firstLine(child), ended.then(() => undefined)])
  if (url === undefined) throw new Error("ckpt serve ended before it served")
  browse(url)
  return {
    url,
    ended,
    shown: ({ type }) => delay(pauseMs[type]),
    async end() {
      child.kill()
      await ended
    },
  }
}

/** The program of `ckpt`, which npm would find as well. */
function command(): string {
  const require = createRequire(import.meta.url)
  const manifest = require.resolve("@ckpt/cli/package.json")
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: { ckpt: string } }
  return join(dirname(manifest), bin.ckpt)
}

async function firstLine(child: ChildProcess): Promise<string | undefined> {
  if (child.stdout === null) return undefined
  for await (const line of createInterface({ input: child.stdout })) return line
  return undefined
}

/** Where no browser opens by itself, the printed address is opened by hand. */
function browse(url: string): void {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env
  const hasScreen = process.platform !== "linux" || DISPLAY !== undefined || WAYLAND_DISPLAY !== undefined
  if (!process.stdout.isTTY || !hasScreen) return
  const [program, ...args] = { darwin: ["open"], win32: ["cmd", "/c", "start", ""] }[process.platform as string] ?? [
    "xdg-open",
  ]
  spawn(program as string, [...args, url], { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref()
}
