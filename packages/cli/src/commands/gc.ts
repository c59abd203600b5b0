import type { OrphanReport } from "@ckpt/core"
import type { Command } from "commander"
import { exit } from "../output/exit.js"
import { clean, counted } from "../output/text.js"
import { parseDuration } from "./arguments.js"
import { type ChangingFlags, changing, noteLead } from "./changing.js"
import type { Context } from "./context.js"
import { claimFlag, type StoreFlags, storeCommand, withStore, yesFlag } from "./store-command.js"

interface GcFlags extends StoreFlags, ChangingFlags {
  readonly yes?: true
  /** Milliseconds. */
  readonly olderThan: number
}

/** `ckpt gc`: removes what unfinished saves left. */
export function gcCommand(context: Context): Command {
  const examples = ["gc file:./data", "gc s3://bucket/job --older-than 1d --yes"]
  const what = "Show what unfinished saves left, such as states without a manifest; with --yes, remove it."
  return storeCommand("gc", what, examples)
    .option("--older-than <duration>", "leave what is younger", parseDuration, parseDuration("1h"))
    .option(...yesFlag)
    .option(...claimFlag)
    .action((url: string, flags: GcFlags) => gc(context, url, flags))
}

async function gc(context: Context, url: string, flags: GcFlags): Promise<void> {
  const { signal } = context
  const options = { olderThanMs: flags.olderThan, signal }
  await withStore(context, url, flags, { readOnly: flags.yes !== true }, async (opened) => {
    if (flags.yes === true) {
      await tell(context, await changing(context, opened, flags, (store) => store.collectOrphans(options)), flags)
      return
    }
    await noteLead(context, opened)
    await tell(context, await opened.store.collectOrphans({ ...options, dryRun: true }), flags)
  })
}

async function tell(context: Context, { removed, failures, dryRun }: OrphanReport, { json }: GcFlags): Promise<void> {
  const { terminal } = context
  const failed = failures.map(({ key, error }) => ({
    key,
    message: error instanceof Error ? error.message : String(error),
  }))
  if (json) await terminal.json("collected", { dryRun, removed, failures: failed })
  else {
    await terminal.print(...removed.map((key) => `${dryRun ? "would go" : "removed"}  ${clean(key)}`))
    for (const { key, message } of failed) terminal.note(`ckpt: ${clean(key)} could not be removed: ${clean(message)}`)
    const nothing = dryRun ? "nothing would go" : "nothing was to be removed"
    const done = dryRun
      ? `${counted(removed.length, "leftover")}; nothing was removed: --yes acts.`
      : counted(removed.length, "leftover")
    terminal.note(removed.length === 0 ? nothing : done)
  }
  if (failed.length > 0) context.finish(exit.refused)
}
