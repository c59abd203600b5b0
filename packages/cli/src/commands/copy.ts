import {
  type CopyProgress,
  type CopyReport,
  type CopySkipped,
  copyStore,
  type StoreEvent,
  type StoreOperations,
} from "@ckpt/core"
import type { Command } from "commander"
import { chooseId } from "../looking/choose.js"
import { bytesText, durationText } from "../output/amounts.js"
import { exit, Refused, WrongUsage } from "../output/exit.js"
import { ProgressBar } from "../output/progress.js"
import { clean, counted } from "../output/text.js"
import { parseDuration } from "./arguments.js"
import { type ChangingFlags, changing } from "./changing.js"
import type { Context } from "./context.js"
import { claimFlag, connectionOptions, plainCommand, type StoreFlags, withStore } from "./store-command.js"

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
    .option("--id <checkpoint...>", "these alone: ids, the word latest, names of pins")
    .option("--follow [every]", "go on with what is saved later, and look this often (1s)", parseDuration)
    .option("--pins", "also make their pins")
    .option("--move-pins", "also make their pins, and move those whose name pins another checkpoint in <to>")
    .option("--deep", "read the whole state of each copy that is there already; otherwise its size is compared")
    .option("--replace-damaged", "write copies that do not verify anew")
    .option(...claimFlag)
    .optionsGroup("Options of the store <to>:")
  for (const option of connectionOptions("to-")) command.addOption(option)
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
  const arrivals = new Arrivals(context, flags.json === true)
  await withStore(context, from, flags, { readOnly: true }, (source) =>
    withStore(context, to, target, { mayBeNew: true, onEvent: arrivals.onEvent }, (opened) =>
      changing(context, opened, flags, (store) =>
        copyInto(context, { from: source.store, to: store, arrivals }, flags),
      ),
    ),
  )
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
  try {
    const report = await copyStore(from, to, {
      ...{ ids, signal, pins: flags.movePins ? "move" : flags.pins === true },
      ...{ depth: flags.deep ? "deep" : "shallow", replaceDamaged: flags.replaceDamaged === true },
      onSkipped: arrivals.onSkipped,
      ...(everyMs === undefined ? {} : { follow: { everyMs } }),
      onProgress: (progress) => bar.update(advanceOf(progress)),
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
    terminal.note(
      `copied before it ended: ${counted(arrivals.count, "checkpoint")}. The same command goes on from there.`,
    )
    throw error
  } finally {
    bar.stop()
  }
}

/** The bytes of the checkpoints before are not told, so the rate is that of this checkpoint alone. */
function advanceOf({ done, total, bytesDone, bytesTotal }: CopyProgress) {
  return {
    done: Math.min(total, done + (bytesTotal > bytesDone ? bytesDone / bytesTotal : 0)),
    total,
    bytes: bytesDone,
  }
}

/** The checkpoints that are there as a whole, each told once. */
class Arrivals {
  readonly #context: Context
  readonly #asJson: boolean
  readonly #seen = new Set<number>()
  #writing: Promise<void> = Promise.resolve()

  constructor(context: Context, asJson: boolean) {
    this.#context = context
    this.#asJson = asJson
  }

  get count(): number {
    return this.#seen.size
  }

  /** To be given the events of the store that gets the checkpoints. */
  readonly onEvent = (event: StoreEvent): void => {
    // While following, one that changed is looked at again.
    if (event.type !== "saved" || this.#seen.has(event.id)) return
    this.#seen.add(event.id)
    const { id, outcome, stateSize: bytes } = event
    const { terminal } = this.#context
    this.#writing = this.#writing.then(() => {
      if (this.#asJson) return terminal.json("copied", { id, outcome, bytes })
      return terminal.print(`${id}  ${outcome === "existed" ? "there already" : copiedText(outcome, bytes)}`)
    })
    this.#writing.catch(() => {})
  }

  /** To be called with what is passed over. */
  readonly onSkipped = (skipped: CopySkipped): void => {
    const { terminal } = this.#context
    if (this.#asJson) this.#writing = this.#writing.then(() => terminal.json("skipped", passedOver(skipped)))
    else terminal.note(`ckpt: ${skippedText(skipped)}`)
    this.#writing.catch(() => {})
  }

  /** Resolves once all of them are written, or nobody reads any more. */
  async written(): Promise<void> {
    await this.#writing.catch(() => {})
  }
}

/** What is inline is not in `state.bin`. */
function copiedText(outcome: "created" | "replaced", bytes: number): string {
  const how = outcome === "replaced" ? "was damaged, copied anew" : "copied"
  return bytes === 0 ? how : `${how}, ${bytesText(bytes)}`
}

function passedOver({ id, pin, error: { code, message } }: CopySkipped) {
  return { id, pin, code, message }
}

export function skippedText({ id, pin, error }: CopySkipped): string {
  const what = pin === undefined ? `${id} was not copied` : `the pin ${clean(pin)} of ${id} was not made`
  return `${what}: ${clean(error.message)}`
}

/** Tells what was copied. What could not be copied makes the command fail. */
export async function tellCopied(
  { terminal, finish }: Context,
  { copied, existed, replaced, skipped }: CopyReport,
  { json, elapsedMs }: { json: true | undefined; elapsedMs: number },
): Promise<void> {
  const passed = skipped.map(passedOver)
  if (json) await terminal.json("copy-summary", { copied, existed, replaced, skipped: passed, elapsedMs })
  else {
    const words = [`${counted(copied.length, "checkpoint")} copied`, `${existed.length} there already`]
    if (replaced.length > 0) words.push(`${replaced.length} copied anew`)
    const missing = passed.filter(({ pin }) => pin === undefined).length
    if (missing > 0) words.push(`${missing} NOT copied`)
    if (passed.length > missing) words.push(`${counted(passed.length - missing, "pin")} NOT made`)
    terminal.note(`${words.join(", ")}, in ${durationText(elapsedMs)}`)
  }
  if (passed.length > 0) finish(exit.refused)
}
