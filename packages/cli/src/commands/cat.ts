import { type Checkpoint, CheckpointError, type StateReader } from "@ckpt/core"
import type { Command } from "commander"
import { choiceHelp, chooseId } from "../looking/choose.js"
import { Refused } from "../output/exit.js"
import type { Context } from "./context.js"
import { type StoreFlags, storeCommand } from "./store-command.js"
import { withStore } from "./with-store.js"

interface CatFlags extends StoreFlags {
  readonly operator?: string
}

/** `ckpt cat`: the bytes of a state, verified. */
export function catCommand(context: Context): Command {
  const examples = [
    "cat file:./data latest --operator window | jq .",
    "cat s3://bucket/job 42 > state.bin",
    "cat file:./data latest | head -c 100 | xxd",
  ]
  return storeCommand("cat", "Write the state of a checkpoint to stdout, verified.", examples)
    .argument("<checkpoint>", choiceHelp)
    .option("--operator <name>", "the state of this operator alone")
    .action((url: string, which: string, flags: CatFlags) => cat(context, url, which, flags))
}

async function cat(context: Context, url: string, which: string, flags: CatFlags): Promise<void> {
  const { terminal, signal } = context
  await withStore(context, url, flags, { readOnly: true }, async ({ store }) => {
    const checkpoint = await store.open(await chooseId(store, which, signal), { signal })
    const reader = await readerOf(checkpoint, flags.operator)
    let offset = 0
    for await (const chunk of reader) {
      if (flags.json) await terminal.json("chunk", chunkOf(checkpoint.id, flags.operator, offset, chunk))
      else if (terminal.stdout.isTTY && isBinary(chunk)) throw new Refused(noTerminal)
      else await terminal.write(chunk)
      offset += chunk.length
    }
    if (flags.json) {
      const { checksum } = reader
      await terminal.json("state", { id: checkpoint.id, operator: flags.operator, bytes: offset, checksum })
    }
  })
}

const noTerminal =
  "the state is binary, and would garble the terminal. Write it to a file (> state.bin), or into a pipe (| xxd)."

async function readerOf(checkpoint: Checkpoint, operator: string | undefined): Promise<StateReader> {
  if (operator !== undefined) return checkpoint.operatorStream(operator)
  const state = await checkpoint.state()
  if (state !== undefined) return state
  const names = checkpoint.operators
  const shown = names
    .slice(0, 20)
    .map((name) => JSON.stringify(name))
    .join(", ")
  const advice = names.length === 0 ? "" : ` Its states are in the manifest: give --operator with one of ${shown}.`
  throw new CheckpointError("CKPT_NOT_FOUND", `checkpoint ${checkpoint.id} has no state.bin.${advice}`)
}

function chunkOf(id: number, operator: string | undefined, offset: number, chunk: Uint8Array) {
  return { id, operator, offset, base64: Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("base64") }
}

/** Whether a terminal would obey some of the bytes. Tabs and ends of lines are text. */
function isBinary(chunk: Uint8Array): boolean {
  return (
    chunk.some((byte) => (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) || byte === 0x7f) ||
    hasC1(chunk)
  )
}

/** U+0080 to U+009F in UTF-8: a terminal may take them for the start of a sequence. */
function hasC1(chunk: Uint8Array): boolean {
  return chunk.some((byte, at) => byte === 0xc2 && (chunk[at + 1] ?? 0) >= 0x80 && (chunk[at + 1] ?? 0) < 0xa0)
}
