import type { PruneReport, RetentionPolicy } from "@ckpt/core"
import type { Command } from "commander"
import { type Preview, type PreviewRow, previewPrune } from "../looking/preview.js"
import { latestSound } from "../looking/verify.js"
import { bytesText, durationText } from "../output/amounts.js"
import { Table } from "../output/table.js"
import { counted } from "../output/text.js"
import { ask } from "../stores/ask.js"
import { parsePolicy } from "./arguments.js"
import { type ChangingFlags, changing, noteLead } from "./changing.js"
import type { Context } from "./context.js"
import { failuresOf, tellFailures } from "./failures.js"
import { claimFlag, type StoreFlags, storeCommand, yesFlag } from "./store-command.js"
import { isUrlRight, withStore } from "./with-store.js"

interface PruneFlags extends StoreFlags, ChangingFlags {
  readonly yes?: true
}

/** `ckpt prune`: removes the checkpoints that a policy does not keep. */
export function pruneCommand(context: Context): Command {
  const examples = ["prune file:./data last=3", "prune s3://bucket/job last=10,within=7d,every=100 --yes"]
  return storeCommand("prune", "Show what a policy would remove and why; with --yes, remove it.", examples)
    .argument("<policy>", "rules that keep: last=3, within=7d, every=100; several with commas", parsePolicy)
    .option(...yesFlag)
    .option(...claimFlag)
    .action((url: string, policy: RetentionPolicy, flags: PruneFlags) => prune(context, url, policy, flags))
}

async function prune(context: Context, url: string, policy: RetentionPolicy, flags: PruneFlags): Promise<void> {
  const { terminal, signal } = context
  const acts = flags.yes === true
  await withStore(context, url, flags, { readOnly: !acts }, async (opened) => {
    const { backend, store, timeoutMs } = opened
    if (acts) {
      const report = await changing(context, opened, flags, async (changed) => {
        await latestSound(changed, signal)
        return changed.prune(policy, { signal })
      })
      return tell(context, report, flags)
    }
    const lead = await noteLead(context, opened)
    const now = await ask(backend, "reading the clock", (asked) => backend.now({ signal: asked }), {
      signal,
      timeoutMs,
    })
    await latestSound(store, signal)
    const preview = await previewPrune(store, policy, now, signal)
    if (flags.json) await terminal.json("prune-preview", { dryRun: true, ...preview, claimed: lead.epoch > 0 })
    else await print(context, preview, now)
    if (preview.rows.length === 0) terminal.note(isUrlRight(opened))
  })
}

async function print({ terminal }: Context, { rows, removed, freedBytes }: Preview, now: Date): Promise<void> {
  const table = new Table<PreviewRow>(terminal, [
    { head: "ID", align: "right", cell: ({ id }) => String(id) },
    { head: "AGE", align: "right", cell: ({ lastModified }) => durationText(now.getTime() - lastModified.getTime()) },
    { head: "SIZE", align: "right", cell: ({ bytes }) => bytesText(bytes) },
    { head: "", cell: ({ goes }) => (goes ? "goes" : "stays"), paint: ({ goes }) => (goes ? "red" : "green") },
    { head: "WHY", atLeast: 20, cell: ({ reasons }) => reasons.join("; ") },
  ])
  for (const row of rows) await table.add(row)
  await table.end()
  const what = `${counted(removed.length, "checkpoint")} would go, ${bytesText(freedBytes)} of state`
  terminal.note(removed.length === 0 ? "nothing would go" : `${what}. Nothing was removed: --yes acts.`)
}

/** What was removed. What could not be removed makes the command fail. */
async function tell(context: Context, report: PruneReport, { json }: StoreFlags): Promise<void> {
  const { terminal } = context
  const { removed, kept } = report
  const failures = failuresOf(report)
  const which = removed.length > 0 ? `: ${removed.join(" ")}` : ""
  if (json) await terminal.json("pruned", { removed, kept, failures })
  else await terminal.print(`removed ${counted(removed.length, "checkpoint")}${which}`)
  tellFailures(context, failures, json)
}
