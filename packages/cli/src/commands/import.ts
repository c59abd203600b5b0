import { createReadStream } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { copyStore, openFsStore } from "@ckpt/fs"
import type { Command } from "commander"
import { unpackInto } from "../looking/archive.js"
import { WrongUsage } from "../output/exit.js"
import { clean } from "../output/text.js"
import { type ChangingFlags, changing } from "./changing.js"
import type { Context } from "./context.js"
import { skippedText, tellCopied } from "./copied.js"
import { claimFlag, plainCommand, type StoreFlags } from "./store-command.js"
import { withStore } from "./with-store.js"

interface ImportFlags extends StoreFlags, ChangingFlags {}

/** `ckpt import`: the checkpoints of a tar into a store. */
export function importCommand(context: Context): Command {
  const examples = ["import incident.tar file:./replay", "import incident.tar s3://bucket/replay"]
  return plainCommand("import", "Copy the checkpoints of a tar into a store, verified, under their ids.", examples)
    .argument("<file>", "a tar of ckpt export; - for stdin")
    .argument("<store>", "the URL of the store that gets them")
    .option(...claimFlag)
    .action((file: string, url: string, flags: ImportFlags) => importFrom(context, file, url, flags))
}

async function importFrom(context: Context, file: string, url: string, flags: ImportFlags): Promise<void> {
  const { terminal, signal, cwd } = context
  if (/^[a-z][a-z0-9+.-]+:/i.test(file))
    throw new WrongUsage(`${JSON.stringify(file)} is a URL; give the tar first, then the store.`)
  const started = performance.now()
  const folder = await mkdtemp(join(tmpdir(), "ckpt-import-"))
  try {
    const tar = file === "-" ? context.stdin : createReadStream(resolve(cwd, file))
    for (const name of await unpackInto(tar, folder, signal))
      terminal.note(`ckpt: ${clean(name)} is no file of a checkpoint; it was passed over.`)
    const from = await openFsStore(folder, { readOnly: true })
    try {
      await withStore(context, url, flags, { mayBeNew: true }, (opened) =>
        changing(context, opened, flags, async (to) => {
          const report = await copyStore(from, to, {
            ...{ signal, pins: false },
            onSkipped: (skipped) => terminal.note(`ckpt: ${skippedText(skipped)}`),
          })
          await tellCopied(context, report, {
            ...{ json: flags.json, withIds: true },
            elapsedMs: Math.round(performance.now() - started),
          })
        }),
      )
    } finally {
      await from.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
