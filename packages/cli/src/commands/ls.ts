import type { CheckpointSummary } from "@ckpt/core"
import type { Command } from "commander"
import { problemOf, stateBytes } from "../looking/rows.js"
import { isoOf } from "../looking/times.js"
import { bytesText, durationText } from "../output/amounts.js"
import { exit } from "../output/exit.js"
import { type Column, Table } from "../output/table.js"
import { counted } from "../output/text.js"
import { ask } from "../stores/ask.js"
import { parseCount } from "./arguments.js"
import type { Context } from "./context.js"
import { type StoreFlags, storeCommand } from "./store-command.js"
import { isUrlRight, withStore } from "./with-store.js"

interface LsFlags extends StoreFlags {
  readonly last?: number
}

/** `ckpt ls`: every checkpoint, ascending, so that the latest stands above the prompt. */
export function lsCommand(context: Context): Command {
  const examples = [
    "ls file:./data --last 20",
    "ls s3://bucket/team/job --region eu-central-1",
    "ls file:./data --json | jq .id",
  ]
  return storeCommand("ls", "List the checkpoints, ascending by id.", examples)
    .option("--last <n>", "the latest ones alone, so many", parseCount)
    .action((url: string, flags: LsFlags) => ls(context, url, flags))
}

async function ls(context: Context, url: string, flags: LsFlags): Promise<void> {
  const { terminal, signal } = context
  await withStore(context, url, flags, { readOnly: true }, async (opened) => {
    const { store, backend, timeoutMs } = opened
    const now = flags.json
      ? undefined
      : await ask(backend, "reading the clock", (asked) => backend.now({ signal: asked }), { signal, timeoutMs })
    const table = new Table(terminal, columns(now?.getTime() ?? 0))
    let all = 0
    let damaged = 0
    for await (const row of store.list({ last: flags.last, signal })) {
      all++
      if (!row.valid) damaged++
      if (flags.json) await terminal.json("checkpoint", jsonOf(row))
      else await table.add(row)
    }
    await table.end()
    if (!flags.json) terminal.note(summary(all, damaged))
    if (all === 0) terminal.note(isUrlRight(opened))
    if (damaged > 0) context.finish(exit.refused)
  })
}

function summary(all: number, damaged: number): string {
  if (all === 0) return "no checkpoints"
  return damaged === 0 ? counted(all, "checkpoint") : `${counted(all, "checkpoint")}, ${damaged} damaged`
}

function columns(nowMs: number): Column<CheckpointSummary>[] {
  const names = (of: Readonly<Record<string, unknown>> = {}) => Object.keys(of)
  return [
    { head: "ID", align: "right", cell: ({ id }) => String(id), paint: (row) => (row.valid ? undefined : "red") },
    { head: "EPOCH", align: "right", cell: ({ epoch }) => String(epoch ?? "") },
    { head: "AGE", align: "right", cell: ({ lastModified }) => durationText(nowMs - lastModified.getTime()) },
    { head: "SIZE", align: "right", cell: sizeText },
    { head: "OPERATORS", atLeast: 9, cutFirst: true, cell: ({ operators }) => listed(names(operators)) },
    {
      head: "SINKS",
      atLeast: 7,
      cell: ({ sinks = {} }) => listed(Object.entries(sinks).map(([name, status]) => `${name}:${status}`)),
    },
    {
      head: "LABELS",
      ...{ atLeast: 7, cutFirst: true },
      cell: ({ labels = {} }) => listed(Object.entries(labels).map(([name, value]) => `${name}=${value}`)),
    },
    { head: "PINS", atLeast: 7, cell: ({ pins = [] }) => listed(pins), paint: () => "yellow" },
    { head: "PROBLEM", atLeast: 12, cell: problemText, paint: ({ valid }) => (valid ? "yellow" : "red") },
  ]
}

/** A cell is never wider than a few hundred characters, however many names there are. */
function listed(all: readonly string[]): string {
  const shown = all.slice(0, 20).map((name) => name.slice(0, 200))
  return `${shown.join(", ")}${all.length > 20 ? `, … (${all.length})` : ""}`
}

function problemText(row: CheckpointSummary): string {
  const problem = problemOf(row)
  return problem === undefined ? "" : problem.code
}

function sizeText(row: CheckpointSummary): string {
  const bytes = stateBytes(row)
  return bytes === undefined ? "" : bytesText(bytes)
}

function jsonOf(row: CheckpointSummary) {
  const { id, epoch, timestampMs, lastModified, valid, operators, sinks, labels, pins, issues } = row
  const bytes = stateBytes(row)
  const timestamp = timestampMs === undefined ? undefined : isoOf(timestampMs)
  return { id, epoch, timestamp, lastModified, valid, bytes, operators, sinks, labels, pins, issues }
}
