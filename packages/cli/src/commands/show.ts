import type { CheckpointManifest, ConnectorOffsets, NamedMap } from "@ckpt/core"
import type { Command } from "commander"
import { choiceHelp, chooseId } from "../looking/choose.js"
import { type Description, describe } from "../looking/describe.js"
import { sinkText } from "../looking/diff.js"
import type { OperatorFacts } from "../looking/operators.js"
import { isoOf, lagOf } from "../looking/times.js"
import { bytesText, durationText } from "../output/amounts.js"
import { exit } from "../output/exit.js"
import { printFacts } from "../output/facts.js"
import { Table } from "../output/table.js"
import type { Terminal } from "../output/terminal.js"
import { timeText } from "../output/text.js"
import type { Context } from "./context.js"
import { type StoreFlags, storeCommand } from "./store-command.js"
import { withStore } from "./with-store.js"

/** `ckpt show`: all that one manifest says. */
export function showCommand(context: Context): Command {
  const examples = ["show file:./data latest", "show s3://bucket/job 42 --json", "show file:./data before-upgrade"]
  return storeCommand("show", "Show one checkpoint: offsets, operators, watermarks, sinks, checksums.", examples)
    .argument("<checkpoint>", choiceHelp)
    .action((url: string, which: string, flags: StoreFlags) => show(context, url, which, flags))
}

async function show(context: Context, url: string, which: string, flags: StoreFlags): Promise<void> {
  const { terminal, signal } = context
  await withStore(context, url, flags, { readOnly: true }, async ({ store }) => {
    const found = await describe(store, await chooseId(store, which, signal), signal)
    if (flags.json) await terminal.json("checkpoint-detail", jsonOf(found))
    else await print(terminal, found)
    if (!found.valid) context.finish(exit.refused)
  })
}

function jsonOf({ manifest, operators, ...rest }: Description) {
  if (manifest === undefined) return rest
  // The bytes of inline states are for `ckpt cat`.
  const { operatorStates: _o, operatorChecksums: _c, unknownFields: _u, timestampMs, ...fields } = manifest
  return { ...rest, manifest: { timestamp: isoOf(timestampMs), ...fields, operators } }
}

async function print(
  terminal: Terminal,
  { id, valid, issues, pins, manifest, operators = [] }: Description,
): Promise<void> {
  await printFacts(terminal, [
    ["checkpoint", String(id)],
    ["verdict", valid ? "valid by manifest and size; ckpt verify --deep reads bytes" : "DAMAGED"],
    ...issues.map(
      ({ severity, code, message }) => [severity === "fatal" ? "damage" : "warning", `${code}: ${message}`] as const,
    ),
    ["pins", pins.join(", ")],
    ...(manifest === undefined ? [] : manifestFacts(manifest)),
  ])
  if (manifest === undefined) return
  await section(terminal, "offsets", offsetTable(terminal, manifest))
  await section(terminal, "operators", operatorTable(terminal, operators))
  await section(terminal, "sinks", sinkTable(terminal, manifest))
  if (manifest.labels !== undefined) {
    await terminal.print("", terminal.paint("bold", "labels"))
    await printFacts(terminal, Object.entries(manifest.labels), "  ")
  }
}

function manifestFacts(manifest: CheckpointManifest): (readonly [string, string])[] {
  const { epoch, timestampMs, watermark, stateSize, stateChecksum, vnodeCount, pipelineHash, writer } = manifest
  const lag = lagOf(manifest)
  return [
    ["epoch", String(epoch)],
    ["taken", timeText(timestampMs)],
    [
      "watermark",
      watermark === null
        ? ""
        : `${watermark}${lag === undefined ? "" : ` (${timeText(Number(watermark))}, ${durationText(lag)} behind)`}`,
    ],
    ["state", stateChecksum === null ? "" : `${bytesText(stateSize ?? 0)}, ${stateChecksum}`],
    ["written by", writer === undefined ? "" : `claim ${writer.epoch} (${writer.id})`],
    ["virtual partitions", String(vnodeCount)],
    ["pipeline hash", pipelineHash === null ? "" : pipelineHash.toString(16).padStart(16, "0")],
    ["table store", manifest.tableStoreCheckpointPath ?? ""],
  ]
}

interface Listed {
  readonly rows: readonly object[]
  write(): Promise<void>
}

async function section(terminal: Terminal, title: string, { rows, write }: Listed): Promise<void> {
  if (rows.length === 0) return
  await terminal.print("", terminal.paint("bold", title))
  await write()
}

function listed<Row extends object>(table: Table<Row>, rows: readonly Row[]): Listed {
  return {
    rows,
    async write() {
      for (const row of rows) await table.add(row)
      await table.end()
    },
  }
}

function offsetTable(
  terminal: Terminal,
  { sourceOffsets, tableOffsets, sourceWatermarks }: CheckpointManifest,
): Listed {
  const flat = (all: NamedMap<ConnectorOffsets>, kind: string) =>
    Object.entries(all).flatMap(([source, { epoch, offsets }]) =>
      Object.entries(offsets).map(([partition, offset]) => ({
        ...{ kind, source, epoch, partition, offset },
        watermark: kind === "source" && Object.hasOwn(sourceWatermarks, source) ? String(sourceWatermarks[source]) : "",
      })),
    )
  const rows = [...flat(sourceOffsets, "source"), ...flat(tableOffsets, "table")]
  const table = new Table<(typeof rows)[number]>(terminal, [
    { head: "OF", cell: ({ kind }) => kind },
    { head: "NAME", atLeast: 12, cell: ({ source }) => source },
    { head: "EPOCH", align: "right", cell: ({ epoch }) => String(epoch) },
    { head: "PARTITION", atLeast: 9, cell: ({ partition }) => partition },
    { head: "OFFSET", align: "right", atLeast: 20, cell: ({ offset }) => offset },
    { head: "WATERMARK", align: "right", cell: ({ watermark }) => watermark },
  ])
  return listed(table, rows)
}

function operatorTable(terminal: Terminal, operators: readonly OperatorFacts[]): Listed {
  const table = new Table<OperatorFacts>(terminal, [
    { head: "NAME", atLeast: 12, cell: ({ name }) => name },
    { head: "SIZE", align: "right", cell: ({ bytes }) => bytesText(bytes) },
    { head: "WHERE", cell: ({ where }) => where },
    { head: "SHA-256", atLeast: 12, cell: ({ checksum = "" }) => checksum },
  ])
  return listed(table, operators)
}

function sinkTable(terminal: Terminal, { sinkCommitStatuses, sinkEpochs }: CheckpointManifest): Listed {
  const names = [...new Set([...Object.keys(sinkCommitStatuses), ...Object.keys(sinkEpochs)])].sort()
  const rows = names.map((name) => ({
    name,
    epoch: Object.hasOwn(sinkEpochs, name) ? String(sinkEpochs[name]) : "",
    status: sinkText(Object.hasOwn(sinkCommitStatuses, name) ? sinkCommitStatuses[name] : undefined),
  }))
  const table = new Table<(typeof rows)[number]>(terminal, [
    { head: "NAME", atLeast: 12, cell: ({ name }) => name },
    { head: "EPOCH", align: "right", cell: ({ epoch }) => epoch },
    { head: "STATUS", atLeast: 12, cell: ({ status }) => status },
  ])
  return listed(table, rows)
}
