import { CheckpointError, type StoreEvent } from "@ckpt/core"
import type { Command } from "commander"
import { examine } from "../looking/doctor/examine.js"
import { type Finding, problem } from "../looking/doctor/finding.js"
import { exit } from "../output/exit.js"
import type { Terminal } from "../output/terminal.js"
import { clean, counted } from "../output/text.js"
import type { Context } from "./context.js"
import { type StoreFlags, storeCommand } from "./store-command.js"
import { withStore } from "./with-store.js"

interface DoctorFlags extends StoreFlags {
  readonly readOnly?: true
}

/** `ckpt doctor`: what is wrong with a store and its storage, and what to do. */
export function doctorCommand(context: Context): Command {
  const examples = ["doctor s3://bucket/job", "doctor file:./data --read-only", "doctor gs://bucket/job --json"]
  return storeCommand("doctor", "Examine a store and its storage, and say what to do.", examples)
    .option("--read-only", "write nothing: leave out what a writer needs (it takes one small object, removed again)")
    .action((url: string, flags: DoctorFlags) => doctor(context, url, flags))
}

async function doctor(context: Context, url: string, flags: DoctorFlags): Promise<void> {
  const { terminal, signal } = context
  const tell = (finding: Finding) => {
    if (finding.status === "problem") context.finish(exit.refused)
    return flags.json ? terminal.json("finding", finding) : terminal.print(...lines(terminal, finding))
  }
  const events: StoreEvent[] = []
  const writes = flags.readOnly !== true
  const seen = { problem: 0, warning: 0, ok: 0, skipped: 0 }
  try {
    await withStore(
      context,
      url,
      flags,
      { readOnly: !writes, onEvent: (event) => events.push(event) },
      async (opened) => {
        for await (const finding of examine(opened, { writes, events, signal })) {
          seen[finding.status]++
          await tell(finding)
        }
      },
    )
  } catch (error) {
    const advice = error instanceof CheckpointError ? adviceFor[error.code] : undefined
    if (advice !== undefined) await tell(problem("reachable", (error as CheckpointError).message, advice))
    throw error
  }
  if (!flags.json) terminal.note(summary(seen))
}

/** What to do where the storage cannot be reached. */
const adviceFor: Partial<Record<CheckpointError["code"], string>> = {
  CKPT_DENIED: "Check the credentials, and that the bucket or container exists and they may list it.",
  CKPT_TIMEOUT: "Check the address, the network between, and whether the service is up.",
  CKPT_IO: "Check the URL and --endpoint, the network between, and whether the service is up or the disk mounted.",
}

const signs = {
  ok: ["✓", "green"],
  warning: ["!", "yellow"],
  problem: ["✗", "red"],
  skipped: ["-", "dim"],
} as const

function lines(terminal: Terminal, { check, status, found, advice }: Finding): string[] {
  const [sign, colour] = signs[status]
  const line = `${terminal.paint(colour, sign)} ${check}: ${clean(found)}`
  return advice === undefined ? [line] : [line, `    ${clean(advice)}`]
}

function summary({ problem: problems, warning: warnings }: Record<Finding["status"], number>): string {
  if (problems + warnings === 0) return "nothing to do"
  return [problems > 0 ? counted(problems, "problem") : "", warnings > 0 ? counted(warnings, "warning") : ""]
    .filter((words) => words !== "")
    .join(", ")
}
