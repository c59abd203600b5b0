import type { StoreOperations } from "@ckpt/core"
import type { Command } from "commander"
import { chooseId } from "../looking/choose.js"
import { notThere } from "../looking/describe.js"
import { isGone, sampleOf, type Verdict, verifyAll } from "../looking/verify.js"
import { bytesText, durationText } from "../output/amounts.js"
import { exit, Refused, WrongUsage } from "../output/exit.js"
import { ProgressBar } from "../output/progress.js"
import type { Terminal } from "../output/terminal.js"
import { clean, counted } from "../output/text.js"
import { parseShare } from "./arguments.js"
import type { Context } from "./context.js"
import { type StoreFlags, storeCommand } from "./store-command.js"
import { withStore } from "./with-store.js"

interface VerifyFlags extends StoreFlags {
  readonly all?: true
  readonly deep?: true
  /** From above 0 to 1. */
  readonly sample?: number
}

/** `ckpt verify`: whether checkpoints are sound. */
export function verifyCommand(context: Context): Command {
  const examples = [
    "verify file:./data latest --deep",
    "verify s3://bucket/job --all --deep --sample 20%",
    "verify file:./data --all --json | jq 'select(.valid == false)'",
  ]
  return storeCommand("verify", "Verify checkpoints; the exit code is 1 if any is damaged.", examples)
    .argument("[checkpoints...]", "ids, the word latest, or names of pins")
    .option("--all", "all checkpoints")
    .option("--deep", "read each state and compare its checksum; otherwise its size is compared")
    .option("--sample <share>", "a random share of them, such as 20%; the latest is always among it", parseShare)
    .action((url: string, which: string[], flags: VerifyFlags) => verify(context, url, which, flags))
}

async function verify(context: Context, url: string, which: readonly string[], flags: VerifyFlags): Promise<void> {
  if (which.length > 0 === (flags.all === true)) {
    throw new WrongUsage("give either the checkpoints, such as latest, or --all.")
  }
  const { terminal, signal } = context
  await withStore(context, url, flags, { readOnly: true }, async ({ store }) => {
    const all = which.length > 0 ? await chosen(store, which, signal) : await store.ids({ signal })
    // To find nothing damaged where nothing is would calm a script whose prefix is misspelt.
    if (all.length === 0) throw new Refused("there is no checkpoint here; nothing was verified.")
    const ids = flags.sample === undefined ? all : sampleOf(all, flags.sample)
    const bar = new ProgressBar(terminal, "checkpoints")
    const started = performance.now()
    const seen = { checked: 0, damaged: 0, bytes: 0 }
    const gone: number[] = []
    try {
      const depth = flags.deep ? "deep" : "shallow"
      for await (const verdict of verifyAll(store, ids, { depth, signal, onProgress: (now) => bar.update(now) })) {
        if (isGone(verdict)) {
          gone.push(verdict.id)
          if (which.length > 0 && !flags.json) terminal.note(`ckpt: ${notThere(verdict.id)}`)
          continue
        }
        seen.checked++
        seen.bytes += verdict.bytes
        if (!verdict.valid) seen.damaged++
        if (flags.json) await terminal.json("verdict", verdict)
        else await terminal.print(...lines(terminal, verdict))
      }
    } finally {
      bar.stop()
    }
    const elapsedMs = Math.round(performance.now() - started)
    const sum = { ...seen, gone, of: all.length, elapsedMs }
    if (flags.json) await terminal.json("verify-summary", sum)
    else terminal.note(summary(sum))
    // Who names a checkpoint wants it. What retention removes while all are verified is nothing to act upon, if any is left.
    const isMissing = gone.length > 0 && (which.length > 0 || seen.checked === 0)
    if (seen.damaged > 0 || isMissing) context.finish(exit.refused)
  })
}

async function chosen(store: StoreOperations, which: readonly string[], signal: AbortSignal): Promise<number[]> {
  const ids = new Set<number>()
  for (const one of which) ids.add(await chooseId(store, one, signal))
  return [...ids].sort((a, b) => a - b)
}

function lines(terminal: Terminal, { id, valid, issues, bytes, depth }: Verdict): string[] {
  const read = depth === "deep" && bytes > 0 ? `  ${bytesText(bytes)} read` : ""
  const verdict = valid ? terminal.paint("green", "✓ valid") : terminal.paint("red", "✗ DAMAGED")
  return [
    `${verdict}  ${id}${read}`,
    ...issues.map(({ severity, code, message }) => `    ${severity}: ${code}: ${clean(message)}`),
  ]
}

function summary(seen: {
  readonly checked: number
  readonly damaged: number
  readonly bytes: number
  readonly gone: readonly number[]
  readonly of: number
  readonly elapsedMs: number
}): string {
  const { checked, damaged, bytes, gone, of, elapsedMs } = seen
  const sample = checked + gone.length < of ? ` of ${of}` : ""
  const rate = bytes > 0 && elapsedMs > 0 ? `, ${bytesText(bytes)} at ${bytesText((bytes * 1000) / elapsedMs)}/s` : ""
  const verdict = checked === 0 ? "nothing was verified" : damaged === 0 ? "all valid" : `${damaged} DAMAGED`
  const removed = gone.length > 0 ? `; ${gone.length} not there` : ""
  return `${counted(checked, "checkpoint")}${sample} verified in ${durationText(elapsedMs)}${rate}: ${verdict}${removed}`
}
