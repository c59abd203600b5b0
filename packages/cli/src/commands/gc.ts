import type { OrphanReport } from "@ckpt/core"
import { type Command, Option } from "commander"
import { clean, counted } from "../output/text.js"
import { parseDuration } from "./arguments.js"
import { type ChangingFlags, changing, noteLead } from "./changing.js"
import type { Context } from "./context.js"
import { failuresOf, tellFailures } from "./failures.js"
import { claimFlag, type StoreFlags, storeCommand, yesFlag } from "./store-command.js"
import { isUrlRight, withStore } from "./with-store.js"

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
    .addOption(
      new Option("--older-than <duration>", "leave what is younger")
        .argParser(parseDuration)
        .default(parseDuration("1h"), "1h"),
    )
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
    if ((await opened.store.ids({ signal })).length === 0) context.terminal.note(isUrlRight(opened))
  })
}

async function tell(context: Context, report: OrphanReport, { json }: GcFlags): Promise<void> {
  const { terminal } = context
  const { removed, dryRun } = report
  const failures = failuresOf(report)
  if (json) await terminal.json("collected", { dryRun, removed, failures })
  else await terminal.print(...removed.map((key) => `${dryRun ? "would go" : "removed"}  ${clean(key)}`))
  tellFailures(context, failures, json)
  if (json) return
  if (removed.length === 0) terminal.note(dryRun ? "nothing would go" : "nothing was to be removed")
  else terminal.note(`${counted(removed.length, "leftover")}${dryRun ? "; nothing was removed: --yes acts." : ""}`)
}
