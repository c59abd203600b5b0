import type { Command } from "commander"
import { choiceHelp, chooseId } from "../looking/choose.js"
import { type Change, type Difference, differenceOf, sinkFactsText } from "../looking/diff.js"
import { bytesText, durationText, signedBytes } from "../output/amounts.js"
import { printFacts } from "../output/facts.js"
import { Table } from "../output/table.js"
import type { Terminal } from "../output/terminal.js"
import type { Context } from "./context.js"
import { type StoreFlags, storeCommand } from "./store-command.js"
import { withStore } from "./with-store.js"

/** `ckpt diff`: what happened between two checkpoints. */
export function diffCommand(context: Context): Command {
  const examples = ["diff file:./data 41 42", "diff s3://bucket/job before-upgrade latest --json"]
  return storeCommand("diff", "Compare two checkpoints: offsets, watermarks, state, sinks, topology.", examples)
    .argument("<a>", choiceHelp)
    .argument("<b>", "the later one, likewise")
    .action((url: string, a: string, b: string, flags: StoreFlags) => diff(context, url, [a, b], flags))
}

async function diff(context: Context, url: string, pair: readonly [string, string], flags: StoreFlags): Promise<void> {
  const { terminal, signal } = context
  await withStore(context, url, flags, { readOnly: true }, async ({ store }) => {
    const open = async (which: string) => (await store.open(await chooseId(store, which, signal), { signal })).manifest
    const difference = differenceOf(await open(pair[0]), await open(pair[1]))
    if (flags.json) await terminal.json("diff", difference)
    else await print(terminal, difference)
  })
}

async function print(terminal: Terminal, difference: Difference): Promise<void> {
  const { a, b, epoch, elapsedMs, watermark, stateBytes } = difference
  await printFacts(terminal, [
    ["checkpoints", `${a} → ${b}, ${durationText(Math.abs(elapsedMs))} ${elapsedMs < 0 ? "earlier" : "later"}`],
    ["epoch", `${epoch.from} → ${epoch.to}`],
    ["watermark", arrow(watermark, String) + (watermark.by ? `  ${signed(watermark.by)}` : "")],
    ["state", `${bytesText(stateBytes.from)} → ${bytesText(stateBytes.to)}  ${signedBytes(stateBytes.by)}`],
  ])
  const offsets = (of: "source" | "table") =>
    difference.offsets
      .filter(({ kind }) => kind === of)
      .map(({ source, partition, by, ...change }) => ({
        name: `${source} ${partition}`,
        ...{ change: arrow(change, String), by: by === undefined ? "" : signed(by) },
      }))
  const watermarks = difference.sourceWatermarks.map(({ source, by, ...change }) => ({
    name: source,
    ...{ change: arrow(change, String), by: by === undefined ? "" : signed(by) },
  }))
  const operators = difference.operators.map(({ operator, by, ...change }) => ({
    name: operator,
    ...{ change: arrow(change, bytesText), by: signedBytes(by) },
  }))
  const plain = (name: string, change: Change<string>) => ({ name, change: arrow(change, String), by: "" })
  const sinks = difference.sinks.map(({ sink, ...change }) => ({
    name: sink,
    ...{ change: arrow(change, sinkFactsText), by: "" },
  }))
  await section(terminal, "offsets", offsets("source"))
  await section(terminal, "offsets of reference tables", offsets("table"))
  await section(terminal, "source watermarks", watermarks)
  await section(terminal, "operators", operators)
  await section(terminal, "sinks", sinks)
  await section(
    terminal,
    "labels",
    difference.labels.map(({ label, ...change }) => plain(label, change)),
  )
  await section(
    terminal,
    "topology",
    difference.topology.map(({ what, ...change }) => plain(what, change)),
  )
}

interface Line {
  readonly name: string
  readonly change: string
  readonly by: string
}

async function section(terminal: Terminal, title: string, lines: readonly Line[]): Promise<void> {
  if (lines.length === 0) return
  await terminal.print("", terminal.paint("bold", title))
  const table = new Table<Line>(terminal, [
    { head: "NAME", atLeast: 12, cell: ({ name }) => name },
    { head: "CHANGE", atLeast: 20, cell: ({ change }) => change },
    { head: "BY", align: "right", cell: ({ by }) => by },
  ])
  for (const line of lines) await table.add(line)
  await table.end()
}

function arrow<T>({ from, to }: Change<T>, text: (value: T) => string): string {
  if (from === undefined) return to === undefined ? "" : `added: ${text(to)}`
  if (to === undefined) return `gone: ${text(from)}`
  return from === to ? text(to) : `${text(from)} → ${text(to)}`
}

function signed(by: bigint): string {
  return by > 0n ? `+${by}` : String(by)
}
