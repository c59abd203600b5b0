import { CheckpointError, copyStore, type StoreOperations } from "@ckpt/core"
import type { Command } from "commander"
import { choiceHelp, chooseId } from "../looking/choose.js"
import { exit, exitCodeOf, Refused, WrongUsage } from "../output/exit.js"
import { ProgressBar } from "../output/progress.js"
import { counted } from "../output/text.js"
import { isSamePlace } from "../stores/opened.js"
import { collect, parseInterval } from "./arguments.js"
import { type ChangingFlags, changing } from "./changing.js"
import type { Context } from "./context.js"
import { Arrivals, CopiedBytes, tellCopied } from "./copied.js"
import { claimFlag, connectionOptions, plainCommand, type StoreFlags } from "./store-command.js"
import { withStore } from "./with-store.js"

interface CopyFlags extends StoreFlags, ChangingFlags {
  readonly id?: readonly string[]
  /** Milliseconds. */
  readonly follow?: number | true
  readonly pins?: true
  readonly movePins?: true
  readonly deep?: true
  readonly replaceDamaged?: true
  readonly toLayout?: StoreFlags["layout"]
  readonly toBackend?: string
  readonly toEndpoint?: string
  readonly toRegion?: string
  readonly toCredentials?: string
  readonly toTimeout?: number
}

const followMs = 1000

/** `ckpt copy`: checkpoints of one store into another, the same ids and bytes. */
export function copyCommand(context: Context): Command {
  const examples = [
    "copy file:./data s3://bucket/job",
    "copy file:./data file:/mnt/backup --id 42 --id before-upgrade --pins",
    "copy s3://bucket/job az://account/container/job --follow 5s",
  ]
  const command = plainCommand(
    "copy",
    "Copy checkpoints into another store, verified. An interrupted copy goes on.",
    examples,
  )
    .argument("<from>", "the URL of the store that has them")
    .argument("<to>", "the URL of the store that gets them")
    .option("--id <checkpoint>", `this one alone, or with --id again these: ${choiceHelp}`, collect)
    .option("--follow [every]", "go on with what is saved later, and look this often (1s)", parseInterval)
    .option("--pins", "also make their pins")
    .option("--move-pins", "also make their pins, and move those whose name pins another checkpoint in <to>")
    .option("--deep", "read the whole state of each copy that is there already; otherwise its size is compared")
    .option("--replace-damaged", "write copies that do not verify anew")
    .option(...claimFlag)
    .optionsGroup("Options of the store <to>:")
  for (const option of connectionOptions("to-")) command.addOption(option)
  command.optionsGroup("Options:")
  return command.action((from: string, to: string, flags: CopyFlags) => copy(context, from, to, flags))
}

async function copy(context: Context, from: string, to: string, flags: CopyFlags): Promise<void> {
  if (flags.id !== undefined && flags.follow !== undefined) throw new WrongUsage("give --id or --follow, not both.")
  const { toLayout, toBackend, toEndpoint, toRegion, toCredentials, toTimeout } = flags
  const target: StoreFlags = {
    ...(toLayout === undefined ? {} : { layout: toLayout }),
    ...(toBackend === undefined ? {} : { backend: toBackend }),
    ...(toEndpoint === undefined ? {} : { endpoint: toEndpoint }),
    ...(toRegion === undefined ? {} : { region: toRegion }),
    ...(toCredentials === undefined ? {} : { credentials: toCredentials }),
    ...(toTimeout === undefined ? {} : { timeout: toTimeout }),
  }
  refuseForFolder(from, flags, "--", "--to-")
  refuseForFolder(to, target, "--to-", "--")
  const arrivals = new Arrivals(context, flags.json === true)
  await withStore(context, from, flags, { readOnly: true }, (source) =>
    withStore(context, to, target, { mayBeNew: true, onEvent: arrivals.onEvent }, async (opened) => {
      // A backup that copies a store onto itself would be "there already" every night.
      const isReachedAlike = flags.endpoint === toEndpoint && flags.backend === toBackend
      if (isReachedAlike && (await isSamePlace(source, opened)))
        throw new WrongUsage("both URLs are of one store, so nothing would be copied.")
      await changing(context, opened, flags, (store) =>
        copyInto(context, { from: source.store, to: store, arrivals }, flags),
      )
    }),
  )
}

/** What reaches a service, given for a folder, was meant for the other store. */
function refuseForFolder(url: string, flags: StoreFlags, own: string, other: string): void {
  if (!/^file:/i.test(url) || flags.backend !== undefined) return
  const name = (["endpoint", "region", "credentials"] as const).find((one) => flags[one] !== undefined)
  if (name === undefined) return
  throw new WrongUsage(`${own}${name} is of ${url}, and a folder has none; for the other store give ${other}${name}.`)
}

interface Copying {
  readonly from: StoreOperations
  readonly to: StoreOperations
  readonly arrivals: Arrivals
}

async function copyInto(context: Context, { from, to, arrivals }: Copying, flags: CopyFlags): Promise<void> {
  const { terminal, signal } = context
  const ids = flags.id && (await Promise.all(flags.id.map((which) => chooseId(from, which, signal))))
  const everyMs = flags.follow === true ? followMs : flags.follow
  const started = performance.now()
  const bar = new ProgressBar(terminal, "checkpoints")
  const bytes = new CopiedBytes()
  try {
    const report = await copyStore(from, to, {
      ...{ ids, signal, pins: flags.movePins ? "move" : flags.pins === true },
      ...{ depth: flags.deep ? "deep" : "shallow", replaceDamaged: flags.replaceDamaged === true },
      onSkipped: arrivals.onSkipped,
      ...(everyMs === undefined ? {} : { follow: { everyMs } }),
      onProgress: (progress) => bar.update(bytes.after(progress)),
    })
    await arrivals.written()
    const { copied, existed, replaced, skipped } = report
    if (copied.length + existed.length + replaced.length + skipped.length === 0) {
      throw new Refused("the first store has no checkpoint, so nothing was copied; are the two stores swapped?")
    }
    await tellCopied(context, report, { json: flags.json, elapsedMs: Math.round(performance.now() - started) })
  } catch (error) {
    if (error instanceof Refused) throw error
    await arrivals.written()
    // Each of them is there as a whole: what was under way is not.
    const done = `copied before it ended: ${counted(arrivals.count, "checkpoint")}`
    if (mayPass(error)) terminal.note(`${done}. The same command goes on from there.`)
    else if (arrivals.count > 0) terminal.note(done)
    throw error
  } finally {
    bar.stop()
  }
}

/** Whether the same command may do better: after Ctrl-C, an outage or a full disk, and not where it was refused. */
function mayPass(error: unknown): boolean {
  return !(error instanceof CheckpointError) || exitCodeOf(error) === exit.unreachable
}
