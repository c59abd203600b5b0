import { resolve } from "node:path"
import type { Recovery, Skipped } from "@ckpt/core"
import type { Command } from "commander"
import { type ExtractedFile, extract } from "../looking/extract.js"
import { isoOf } from "../looking/times.js"
import { bytesText, durationText } from "../output/amounts.js"
import { exit, Refused } from "../output/exit.js"
import { ProgressBar } from "../output/progress.js"
import type { Terminal } from "../output/terminal.js"
import { clean, counted, timeText } from "../output/text.js"
import type { Context } from "./context.js"
import { type StoreFlags, storeCommand } from "./store-command.js"
import { isUrlRight, withStore } from "./with-store.js"

interface RecoverFlags extends StoreFlags {
  readonly to?: string
  readonly shallow?: true
}

/** `ckpt recover`: the checkpoint that a job would go on from, and why not a newer one. */
export function recoverCommand(context: Context): Command {
  const examples = [
    "recover file:./data",
    "recover s3://bucket/job --to ./rescued",
    "recover file:./data --json | jq .id",
  ]
  return storeCommand("recover", "Tell which checkpoint a job would recover, and why not a newer one.", examples)
    .option("--to <dir>", "extract it into this folder: manifest.json, and operators/ or state.bin")
    .option("--shallow", "compare sizes only; by default each state is read and its checksum compared")
    .action((url: string, flags: RecoverFlags) => recover(context, url, flags))
}

async function recover(context: Context, url: string, flags: RecoverFlags): Promise<void> {
  const { terminal, signal } = context
  await withStore(context, url, flags, { readOnly: true }, async (opened) => {
    const bar = new ProgressBar(terminal, "states read")
    const found = await opened.store
      .recover({
        ...{ depth: flags.shallow ? "shallow" : "deep", signal },
        onProgress: ({ bytesDone: bytes, bytesTotal = bytes }) =>
          bar.update({ done: bytesTotal > 0 ? bytes / bytesTotal : 1, total: 1, bytes }),
      })
      .finally(() => bar.stop())
    const { checkpoint } = found
    const folder = flags.to === undefined ? undefined : resolve(context.cwd, flags.to)
    const files = checkpoint && folder !== undefined ? await extract(checkpoint, folder, signal) : undefined
    if (flags.json) await terminal.json("recovery", jsonOf(found, files && folder, files))
    else await print(terminal, found, files && folder, files)
    if (found.outcome === "fresh") terminal.note(isUrlRight(opened))
    if (!flags.json) terminal.note(summary(found))
    if (found.outcome === "exhausted") context.finish(exit.refused)
    if (folder !== undefined && files === undefined)
      throw new Refused(`nothing was extracted into ${folder}: ${verdictOf(found)}`)
  })
}

function verdictOf(found: Recovery): string {
  if (found.outcome === "recovered") return `checkpoint ${found.checkpoint.id} would be recovered`
  if (found.outcome === "fresh") return "nothing was ever saved here; a job would start anew"
  return "checkpoints were saved here, and none verifies; a job must not start anew by itself"
}

function jsonOf(found: Recovery, to: string | undefined, files: readonly ExtractedFile[] | undefined) {
  const { checkpoint, skipped, examined, nextId, outcome } = found
  const elapsedMs = Math.round(found.elapsedMs)
  const timestamp = checkpoint && isoOf(checkpoint.manifest.timestampMs)
  const reason = found.outcome === "exhausted" ? found.reason : undefined
  const id = checkpoint?.id
  return {
    outcome,
    id,
    epoch: checkpoint?.manifest.epoch,
    timestamp,
    reason,
    skipped,
    examined,
    nextId,
    elapsedMs,
    to,
    files,
  }
}

async function print(
  terminal: Terminal,
  found: Recovery,
  to: string | undefined,
  files: readonly ExtractedFile[] = [],
): Promise<void> {
  const { checkpoint, skipped } = found
  const colour = found.outcome === "recovered" ? "green" : found.outcome === "fresh" ? "yellow" : "red"
  await terminal.print(terminal.paint(colour, verdictOf(found)))
  if (checkpoint !== undefined) {
    const { epoch, timestampMs } = checkpoint.manifest
    await terminal.print(`  epoch ${epoch}, taken ${timeText(timestampMs)}`)
  }
  if (skipped.length > 0) await terminal.print(...skippedLines(skipped))
  if (to !== undefined) {
    await terminal.print(`extracted into ${clean(to)}:`)
    await terminal.print(...files.map(({ path, bytes }) => `  ${bytesText(bytes).padStart(8)}  ${clean(path)}`))
  }
}

function summary({ examined, elapsedMs, nextId }: Recovery): string {
  return `${counted(examined, "checkpoint")} judged in ${durationText(elapsedMs)}; the next id is ${nextId}`
}

function skippedLines(skipped: readonly Skipped[]): string[] {
  return [
    "passed over:",
    ...skipped.flatMap(({ id, key, issues }) =>
      issues.map(({ code, message }) => `  ${id ?? clean(key)}  ${code}: ${clean(message)}`),
    ),
  ]
}
