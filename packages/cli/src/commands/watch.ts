import { type Command, Option } from "commander"
import { isoOf } from "../looking/times.js"
import { type WatchEvent, watch } from "../looking/watch.js"
import { bytesText, durationText } from "../output/amounts.js"
import { exit } from "../output/exit.js"
import type { Terminal } from "../output/terminal.js"
import { clean, timeText } from "../output/text.js"
import { parseCount, parseInterval } from "./arguments.js"
import type { Context } from "./context.js"
import { type StoreFlags, storeCommand } from "./store-command.js"
import { isUrlRight, withStore } from "./with-store.js"

interface WatchFlags extends StoreFlags {
  /** Milliseconds. */
  readonly every: number
  readonly count?: number
}

/** `ckpt watch`: each new checkpoint, as it appears. */
export function watchCommand(context: Context): Command {
  const examples = [
    "watch file:./data",
    "watch s3://bucket/job --every 10s",
    "watch file:./data --count 1 && echo saved",
  ]
  return storeCommand("watch", "Tell each new checkpoint as it appears, until Ctrl-C.", examples)
    .addOption(
      new Option("--every <duration>", "how often to look").argParser(parseInterval).default(parseInterval("2s"), "2s"),
    )
    .option("--count <n>", "end after so many new checkpoints", parseCount)
    .action((url: string, flags: WatchFlags) => watchStore(context, url, flags))
}

async function watchStore(context: Context, url: string, flags: WatchFlags): Promise<void> {
  const { terminal, signal } = context
  await withStore(context, url, flags, { readOnly: true, mayBeNew: true }, async (opened) => {
    let left = flags.count ?? Number.POSITIVE_INFINITY
    for await (const event of watch(opened.store, { everyMs: flags.every, signal })) {
      if (event.kind === "none") {
        terminal.note("ckpt: no checkpoint is there yet; the first is told once it is saved.")
        terminal.note(isUrlRight(opened))
      } else if (event.kind === "outage")
        terminal.note(`ckpt: ${clean(event.error.message)} (${event.error.code}); looking again`)
      else if (flags.json) await terminal.json("watch", jsonOf(event))
      else await terminal.print(lineOf(terminal, event))
      if (event.kind === "new") {
        if (!event.valid) context.finish(exit.refused)
        left--
      }
      if (left === 0) return
    }
  })
}

function jsonOf(event: Exclude<WatchEvent, { kind: "outage" | "none" }>) {
  if (event.kind === "removed") return event
  const { timestampMs, ...rest } = event
  return { ...rest, timestamp: timestampMs === undefined ? undefined : isoOf(timestampMs) }
}

function lineOf(terminal: Terminal, event: Exclude<WatchEvent, { kind: "outage" | "none" }>): string {
  if (event.kind === "removed") return terminal.paint("dim", `${event.id}  removed`)
  const { id, kind, valid, problem = "", timestampMs, intervalMs, lagMs, bytes } = event
  const words = [
    `${id}`,
    timestampMs === undefined ? "" : timeText(timestampMs),
    intervalMs === undefined ? "" : `after ${durationText(intervalMs)}`,
    bytes === undefined ? "" : bytesText(bytes),
    lagMs === undefined ? "" : `lag ${durationText(lagMs)}`,
    kind === "latest" ? "(the latest so far)" : "",
  ]
  const line = words.filter((word) => word !== "").join("  ")
  return valid ? line : terminal.paint("red", `${line}  DAMAGED: ${problem}`)
}
